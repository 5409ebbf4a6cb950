select execution_id from {batch} where cost_usd > (select cost_review_usd from intermediate.int_quality_limits)

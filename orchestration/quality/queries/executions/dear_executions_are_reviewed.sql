select execution_id from {batch} where cost_usd / greatest(request_count, 1) > (select cost_review_usd from intermediate.int_quality_limits)

select routing_decision_id from {batch}
where
    confidence_score not between 0 and 1
    or predicted_quality_score not between 0 and 1

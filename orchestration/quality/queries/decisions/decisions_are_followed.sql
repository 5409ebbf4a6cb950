select routing_decision_id from {batch} where actual_provider <> chosen_provider

select execution_id from {batch} where end_time < start_time

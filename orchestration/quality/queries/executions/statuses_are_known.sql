select execution_id from {batch}
where (status in ('pending', 'running', 'completed', 'failed')) is not true

select execution_id from {batch} where savings_usd is not null and status <> 'completed'

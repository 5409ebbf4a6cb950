select organization_id, metric_date from {batch}
where
    successful_tasks + failed_tasks > total_tasks
    or unpriced_tasks > total_tasks
    or compared_tasks > successful_tasks
    or active_developers > total_developers
    or savings_percentage > 100

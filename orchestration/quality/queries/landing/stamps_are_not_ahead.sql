select load_id from {batch}
where
    landed_at > current_timestamp - interval '7 days'
    and load_id in (
        select disputed.load_id
        from quality.disputed_versions as disputed
        where
            disputed.reason = 'stamped_ahead'
            and disputed.updated_at > disputed.landed_at
            + (select stamp_ahead_warn_minutes from intermediate.int_quality_limits) * interval '1 minute'
    )

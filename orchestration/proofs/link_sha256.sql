-- What a link must be: a hash over what it says and the digests of its days, the latest of each day
-- and relation that there was.
select
    links.link_id,
    encode(
        sha256(
            convert_to(
                cast(
                    array_to_json(
                        array[
                            links.previous_sha256,
                            links.strand,
                            to_char(links.month, 'YYYY-MM'),
                            links.reason,
                            to_char(
                                links.made_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'
                            )
                        ]
                    ) as text
                ) || coalesce(days.lines, ''),
                'UTF8'
            )
        ),
        'hex'
    ) as sha256
from {links} as links
cross join lateral (
    select
        string_agg(
            E'\n' || cast(
                array_to_json(
                    array[
                        digests.relation,
                        to_char(digests.metric_date, 'YYYY-MM-DD'),
                        array_to_string(digests.columns, ','),
                        cast(digests.row_count as text),
                        digests.sha256,
                        to_char(
                            digests.made_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'
                        )
                    ]
                ) as text
            ),
            ''
            order by digests.relation collate "C", digests.metric_date
        ) as lines
    from (
        select distinct on (all_digests.relation, all_digests.metric_date) all_digests.*
        from ledger.day_digests as all_digests
        where
            all_digests.organization_id = links.organization_id
            and all_digests.strand = links.strand
            and all_digests.metric_date >= links.month
            and all_digests.metric_date < links.month + interval '1 month'
            and all_digests.digest_id <= links.last_digest_id
        order by all_digests.relation, all_digests.metric_date, all_digests.digest_id desc
    ) as digests
) as days

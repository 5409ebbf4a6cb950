{#- Statement of `fct_task_executions`: a member who arrives raises the head count of the organization's
    days since then, and of the week and the month in which that was. -#}
{% macro touch_member_days() -%}
    insert into {{ ref('int_touched_organization_days') }}
        (invocation_id, organization_id, metric_date, reason)
    select distinct
        '{{ invocation_id }}' as invocation_id,
        executions.organization_id,
        executions.metric_date,
        'member' as reason
    from {{ this }} as executions
    inner join (
        select
            arrived.organization_id,
            min(arrived.member_since) as member_since
        from {{ ref('int_organization_members') }} as arrived
        where
            arrived.organization_id in ({{ newly_landed('user') }})
            and not exists (
                select 1
                from {{ ref('stg_platform__users') }} as known
                where
                    known.organization_id = arrived.organization_id
                    and known.user_id = arrived.user_id
                    and {{ local_date('known.believed_at', "'UTC'") }} <= arrived.member_since
                    and {{ taken_in(this.identifier, 'load', 'cast(known._load_id as text)') }}
            )
        group by arrived.organization_id
    ) as joined
        on
            executions.organization_id = joined.organization_id
            and executions.metric_date >= least(
                {{ first_day('weekly', 'joined.member_since') }},
                {{ first_day('monthly', 'joined.member_since') }}
            );
{%- endmacro %}

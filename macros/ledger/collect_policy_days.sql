{#- Statements of `fct_savings_by_policy`: list in `touched_days` the organization days to compute again: those that the facts
    changed, and those with executions that a policy compares with something whose price, name or
    definition came, changed or went. The facts notice such changes only for the policy in force. The
    `exists` answers once and spares reading all decisions when nothing did. -#}
{% macro collect_policy_days() -%}
    {%- if is_incremental() -%}
    create temporary table changed_names on commit drop as
    select
        prices.provider,
        names.name,
        prices.valid_from,
        prices.valid_until
    from {{ ref('int_prices') }} as prices
    -- A price for every model that has none of its own counts for every name.
    left join {{ ref('int_price_names') }} as names
        on prices.provider = names.provider and prices.model_scope = names.model_scope
        and prices.model_scope <> '*'
    where {{ not_taken_in(this.identifier, 'price', 'prices.price_id') }}
    {%- for input_kind, relation, key in [
        ('usage price', ref('int_usage_prices'), 'usage_price_id'),
        ('price factor', ref('int_price_factors'), 'price_factor_id'),
    ] %}
    union
    select
        prices.provider,
        names.name,
        prices.effective_from as valid_from,
        prices.effective_until as valid_until
    from {{ relation }} as prices
    left join {{ ref('int_price_names') }} as names
        on prices.provider = names.provider and prices.model = names.price_model
    where {{ not_taken_in(this.identifier, input_kind, 'prices.' ~ key) }}
    {%- endfor %}
    union
    select
        aliases.provider,
        aliases.alias as name,
        cast('-infinity' as timestamptz) as valid_from,
        cast('infinity' as timestamptz) as valid_until
    from {{ ref('int_model_aliases') }} as aliases
    where {{ not_taken_in(this.identifier, 'alias', 'aliases.model_alias_id') }}
    union
    select
        split_part(gone.input_id, '|', 1) as provider,
        split_part(gone.input_id, '|', 2) as name,
        cast('-infinity' as timestamptz) as valid_from,
        cast('infinity' as timestamptz) as valid_until
    from (
        {{ inputs_gone(this.identifier, 'alias', ref('int_model_aliases'), 'model_alias_id') }}
    ) as gone;

    create temporary table changed_ranges on commit drop as
    with ranges as (
        {%- for baselines, condition in [
            (ref('int_organization_versions'), 'true'),
            (ref('int_baseline_policies'), "baselines.policy_use = 'fixed'"),
        ] %}
        select
            baselines.organization_id,
            greatest(baselines.valid_from, names.valid_from) as valid_from,
            least(baselines.valid_until, names.valid_until) as valid_until
        from {{ baselines }} as baselines
        inner join changed_names as names
            on baselines.baseline_provider = names.provider
            and (names.name = baselines.baseline_model or names.name is null)
        where {{ condition }}
        union
        {%- endfor %}
        select
            policies.organization_id,
            policies.valid_from,
            policies.valid_until
        from {{ ref('int_baseline_policies') }} as policies
        where
            policies.policy_use = 'fixed'
            and {{ not_taken_in(this.identifier, 'policy', 'policies.policy_id') }}
        union
        select
            versions.organization_id,
            versions.valid_from,
            versions.valid_until
        from {{ ref('int_organization_versions') }} as versions
        where
            exists (
                select 1
                from {{ ref('stg_platform__organizations') }} as arrived
                where
                    arrived.event_id = versions.event_id
                    and arrived._load_id in ({{ pending_loads() }})
            )
            and not exists (
                select 1
                from {{ ref('stg_platform__organizations') }} as known
                where
                    known.event_id = versions.event_id
                    and {{ taken_in('fct_task_executions', 'load', 'cast(known._load_id as text)') }}
                    and known._load_id not in ({{ pending_loads() }})
            )
        union
        -- A price that others have superseded is still in the book and they are new; one that left the
        -- book, or a policy that holds no more, may have been used on any day.
        select
            cast(null as uuid) as organization_id,
            cast('-infinity' as timestamptz) as valid_from,
            cast('infinity' as timestamptz) as valid_until
        where
            exists ({{ inputs_gone(this.identifier, 'price', ref('int_price_rows'), 'price_id') }})
            or exists (
                {{ inputs_gone(this.identifier, 'policy', ref('int_baseline_policies'), 'policy_id') }}
            )
    )
    select
        organization_id,
        min(valid_from) as valid_from,
        max(valid_until) as valid_until
    from ranges
    group by organization_id;

    create temporary table changed_decisions on commit drop as
    {%- for compared in ['baseline', 'dearest_alternative'] %}
    {%- for name in ['decisions.' ~ compared ~ '_model', 'null'] %}
    select
        decisions.routing_decision_id,
        names.valid_from,
        names.valid_until
    from {{ ref('fct_routing_decisions') }} as decisions
    inner join changed_names as names
        on
            decisions.{{ compared }}_provider = names.provider
            and {{ 'names.name is null' if name == 'null' else name ~ ' = names.name' }}
    where exists (select 1 from changed_names)
    {{ 'union' if not loop.last }}
    {%- endfor %}
    {{ 'union' if not loop.last }}
    {%- endfor %};

    analyze changed_ranges;
    analyze changed_decisions;

    create temporary table touched_days on commit drop as
    {{ pending_days(after=['fct_routing_decisions']) }}
    union
    select
        executions.organization_id,
        executions.metric_date
    from {{ ref('fct_task_executions') }} as executions
    inner join changed_ranges as ranges
        on
            executions.organization_id = ranges.organization_id
            and executions.start_time >= ranges.valid_from
            and executions.start_time < ranges.valid_until
    union
    select
        executions.organization_id,
        executions.metric_date
    from {{ ref('fct_task_executions') }} as executions
    inner join changed_ranges as ranges
        on
            ranges.organization_id is null
            and executions.start_time >= ranges.valid_from
            and executions.start_time < ranges.valid_until
    union
    select
        executions.organization_id,
        executions.metric_date
    from {{ ref('fct_task_executions') }} as executions
    inner join changed_decisions as decisions
        on
            executions.routing_decision_id = decisions.routing_decision_id
            and executions.start_time >= decisions.valid_from
            and executions.start_time < decisions.valid_until;

    {{ spare_sealed_days() }}

    analyze touched_days;
    {%- endif -%}
{%- endmacro %}

{#- Statements of `fct_task_executions`: list the executions that a policy, in force or not, compares with something
    whose price, name or definition came, changed or went since the facts last looked. The `exists` answers once
    and spares reading the facts when nothing did. -#}
{% macro collect_policy_executions() -%}
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

    create temporary table changed_baselines on commit drop as
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
        organization_id,
        valid_from,
        valid_until
    from {{ ref('int_organization_changes') }}
    where has_other_baseline
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
        );

    analyze changed_names;
    analyze changed_baselines;

    insert into {{ ref('int_execution_work') }} (execution_id, reason)
    {%- for organization in ['ranges.organization_id = executions.organization_id', 'ranges.organization_id is null'] %}
    select
        executions.execution_id,
        'policy' as reason
    from {{ this }} as executions
    inner join changed_baselines as ranges
        on
            {{ organization }}
            and executions.start_time >= ranges.valid_from
            and executions.start_time < ranges.valid_until
    where exists (select 1 from changed_baselines)
    union
    {%- endfor %}
    {%- for compared in ['decision_baseline', 'most_expensive_alternative'] %}
    {%- for name in ['names.name = executions.' ~ compared ~ '_model', 'names.name is null'] %}
    select
        executions.execution_id,
        'policy' as reason
    from {{ this }} as executions
    inner join changed_names as names
        on
            executions.{{ compared }}_provider = names.provider
            and {{ name }}
            and executions.start_time >= names.valid_from
            and executions.start_time < names.valid_until
    where
        executions.start_time >= (select min(changed_names.valid_from) from changed_names)
    {{ 'union' if not loop.last }}
    {%- endfor %}
    {{ 'union' if not loop.last }}
    {%- endfor %};
{%- endmacro %}

{#- Statements of `fct_task_executions`: list the executions whose price, baseline price, baseline
    policy or model name came, changed or went since the facts last looked. The `exists` answers once
    and spares the join with the facts when nothing did. -#}
{% macro collect_repriced_executions() -%}
    insert into {{ ref('int_execution_work') }} (execution_id, reason)
    select
        executions.execution_id,
        'price' as reason
    from {{ this }} as executions
    inner join {{ ref('int_prices') }} as prices
        on
            executions.start_time >= prices.valid_from
            and executions.start_time < prices.valid_until
            and (
                (
                    executions.provider = prices.provider
                    and prices.model_scope in ('*', executions.price_model)
                )
                or (
                    executions.baseline_provider = prices.provider
                    and prices.model_scope in ('*', executions.baseline_price_model)
                )
            )
    where
        {{ not_taken_in(this.identifier, 'price', 'prices.price_id') }}
        and exists ({{ inputs_come(this.identifier, 'price', ref('int_prices'), 'price_id') }});

    insert into {{ ref('int_execution_work') }} (execution_id, reason)
    select
        executions.execution_id,
        'price' as reason
    from {{ this }} as executions
    inner join (
        {{ inputs_gone(this.identifier, 'price', ref('int_prices'), 'price_id') }}
    ) as gone
        on gone.input_id in (executions.price_id, executions.baseline_price_id)
    where
        exists ({{ inputs_gone(this.identifier, 'price', ref('int_prices'), 'price_id') }});

    {%- for input_kind, relation, key in [
        ('usage price', ref('int_usage_prices'), 'usage_price_id'),
        ('price factor', ref('int_price_factors'), 'price_factor_id'),
    ] %}
    insert into {{ ref('int_execution_work') }} (execution_id, reason)
    select
        executions.execution_id,
        'price' as reason
    from {{ this }} as executions
    inner join {{ relation }} as prices
        on
            executions.start_time >= prices.effective_from
            and executions.start_time < prices.effective_until
            and (
                (
                    executions.provider = prices.provider
                    and (prices.model is null or executions.price_model = prices.model)
                )
                or (
                    executions.baseline_provider = prices.provider
                    and (prices.model is null or executions.baseline_price_model = prices.model)
                )
            )
    where
        {{ not_taken_in(this.identifier, input_kind, 'prices.' ~ key) }}
        and exists ({{ inputs_come(this.identifier, input_kind, relation, key) }});
    {%- endfor %}

    {%- for status, provider, price_model in [
        ('pricing_status', 'provider', 'price_model'),
        ('baseline_pricing_status', 'baseline_provider', 'baseline_price_model'),
    ] %}
    -- A model's first price also tells what came before it from what was never priced.
    insert into {{ ref('int_execution_work') }} (execution_id, reason)
    select
        executions.execution_id,
        'price' as reason
    from {{ this }} as executions
    left join {{ ref('int_price_scopes') }} as scopes
        on
            scopes.attribute = 'model'
            and executions.{{ provider }} = scopes.provider
            and executions.{{ price_model }} = scopes.scope
    where
        executions.{{ status }} in ('before_first_price', 'no_price_for_model')
        and (executions.{{ status }} = 'before_first_price')
        <> coalesce(scopes.first_price_from > executions.start_time, false)
        and (
            exists ({{ inputs_come(this.identifier, 'price', ref('int_prices'), 'price_id') }})
            or exists ({{ inputs_gone(this.identifier, 'price', ref('int_prices'), 'price_id') }})
        );
    {%- endfor %}

    insert into {{ ref('int_execution_work') }} (execution_id, reason)
    select
        executions.execution_id,
        'policy' as reason
    from {{ this }} as executions
    inner join {{ ref('int_baseline_policies') }} as policies
        on
            executions.start_time >= policies.valid_from
            and executions.start_time < policies.valid_until
            and policies.organization_scope in ('*', cast(executions.organization_id as text))
    where
        policies.policy_use = 'headline'
        and {{ not_taken_in(this.identifier, 'policy', 'policies.policy_id') }}
        and exists (
            {{ inputs_come(this.identifier, 'policy', ref('int_baseline_policies'), 'policy_id') }}
        );

    insert into {{ ref('int_execution_work') }} (execution_id, reason)
    select
        executions.execution_id,
        'policy' as reason
    from {{ this }} as executions
    inner join (
        {{ inputs_gone(this.identifier, 'policy', ref('int_baseline_policies'), 'policy_id') }}
    ) as gone
        on executions.baseline_policy_id = gone.input_id
    where
        exists (
            {{ inputs_gone(this.identifier, 'policy', ref('int_baseline_policies'), 'policy_id') }}
        );

    insert into {{ ref('int_execution_work') }} (execution_id, reason)
    select
        executions.execution_id,
        'model name' as reason
    from {{ this }} as executions
    inner join {{ ref('int_model_aliases') }} as aliases
        on
            (
                executions.provider = aliases.provider
                and executions.model = aliases.alias
            )
            or (
                executions.baseline_provider = aliases.provider
                and executions.baseline_model = aliases.alias
            )
    where
        {{ not_taken_in(this.identifier, 'alias', 'aliases.model_alias_id') }}
        and exists (
            {{ inputs_come(this.identifier, 'alias', ref('int_model_aliases'), 'model_alias_id') }}
        );

    insert into {{ ref('int_execution_work') }} (execution_id, reason)
    select
        executions.execution_id,
        'model name' as reason
    from {{ this }} as executions
    inner join (
        {{ inputs_gone(this.identifier, 'alias', ref('int_model_aliases'), 'model_alias_id') }}
    ) as gone
        on gone.input_id in (
            executions.provider || '|' || executions.model || '|' || executions.price_model,
            executions.baseline_provider || '|' || executions.baseline_model
            || '|' || executions.baseline_price_model
        )
    where
        exists (
            {{ inputs_gone(this.identifier, 'alias', ref('int_model_aliases'), 'model_alias_id') }}
        );
{%- endmacro %}

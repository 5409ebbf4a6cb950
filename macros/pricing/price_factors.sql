{#- The factors that apply to a usage, as an object: kind -> factor and the row that it comes from; NULL without any. Of
    each kind the most specific row counts, of equals the one recorded last, of hours that overlap the dearer. A row of the price book that names
    the tier is the price of that tier already, and one for the organization is what was agreed with it. `prefix` as
    in `price_joins`; it also stands before the import `prices`, whose row has been joined. -#}
{% macro price_factors(usage, prefix) -%}
    {%- set prices = prefix ~ 'prices' -%}
    case
                when {{ usage }}.{{ prefix }}may_have_factors then (
                    select {{ json_object_of(
                        'ranked.kind',
                        json_object({
                            'factor': 'ranked.factor', 'price_factor_id': 'ranked.price_factor_id',
                        })
                    ) }}
                    from (
                        select
                            factors.kind,
                            factors.factor,
                            factors.price_factor_id,
                            row_number() over (
                                partition by factors.kind
                                order by
                                    factors.organization_id is null asc,
                                    factors.model is null asc,
                                    factors.service_tier is null asc,
                                    factors.region is null asc,
                                    factors.recorded_at desc,
                                    factors.factor desc
                            ) as precedence
                        from {{ ref('int_price_factors') }} as factors
                        where
                            factors.provider = {{ usage }}.{{ prefix }}provider
                            and (factors.model is null or factors.model = {{ usage }}.{{ prefix }}price_model)
                            and (factors.service_tier is null or factors.service_tier = {{ usage }}.price_tier)
                            and (factors.region is null or factors.region = lower({{ usage }}.region))
                            and (
                                factors.organization_id is null
                                or factors.organization_id = {{ usage }}.organization_id
                            )
                            and factors.effective_from <= {{ usage }}.start_time
                            and factors.effective_until > {{ usage }}.start_time
                            and (
                                factors.kind <> 'hours'
                                or {{ usage }}.is_bucket
                                or {{ in_recurring_hours(usage ~ '.start_time', 'factors') }}
                            )
                            and not (
                                factors.kind = 'service_tier'
                                and coalesce({{ prices }}.names_service_tier, false)
                            )
                            and not (
                                factors.kind = 'agreement' and coalesce({{ prices }}.names_organization, false)
                            )
                    ) as ranked
                    where ranked.precedence = 1
                )
            end
{%- endmacro %}

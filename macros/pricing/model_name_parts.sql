{#- Lateral joins that take the name of a model apart: `bare_names` and `name_parts`.

    bare_name   without the route to it: folders (openrouter/, models/), regions and vendors before a dot
                (us.anthropic.), and the version of a hosting (-v1:0)
    base_name   without a date, a number of a release or `latest` at its end, and with one way to separate
    name_tail   that end
    variant     fine_tune, free or variant, for a name whose price is not that of its base; else NULL -#}
{% macro model_name_parts(name) -%}
    {%- set tail = '([-@](latest|default|00[0-9]|20[0-9]{6}|20[0-9]{2}-[0-9]{2}-[0-9]{2}))+' -%}
    cross join lateral (
        select
            regexp_replace(
                regexp_replace(lower({{ name }}), '^(.*/)?([a-z-]+[.](?=[a-z]))*', ''),
                '-v[0-9]+(:[0-9]+$|(?=@))',
                ''
            ) as bare_name
    ) as bare_names
    cross join lateral (
        select
            regexp_replace(
                regexp_replace(bare_names.bare_name, '{{ tail }}$', ''), '[._ ]', '-', 'g'
            ) as base_name,
            regexp_replace(
                coalesce(substring(bare_names.bare_name from '({{ tail }})$'), ''), '[-@]', '', 'g'
            ) as name_tail,
            case
                when lower({{ name }}) ~ '(^|[/.:-])(ft|fine-?tuned?|tunedmodels)([/.:-]|$)'
                    then 'fine_tune'
                when bare_names.bare_name ~ '[:-]free$' then 'free'
                when bare_names.bare_name ~ ':' then 'variant'
            end as variant
    ) as name_parts
{%- endmacro %}

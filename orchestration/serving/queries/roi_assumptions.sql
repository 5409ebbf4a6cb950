-- What the calculator was told, or took from what was measured.
with measured as (

    {{ measured }}

)

{{ assumed }}

{#- Fails with every row for which the expression is false or unknown. -#}
{% test holds_for_every_row(model, expression) %}

select *
from {{ model }}
where ({{ expression }}) is not true

{% endtest %}

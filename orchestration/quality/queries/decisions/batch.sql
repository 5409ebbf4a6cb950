select * from marts.fct_routing_decisions

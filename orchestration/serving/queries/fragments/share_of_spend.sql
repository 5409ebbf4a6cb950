round(sum(total_spend_usd) / nullif(sum(sum(total_spend_usd)) over (), 0), 6) as share_of_spend

select * from marts.dim_prices

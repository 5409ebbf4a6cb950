select * from raw.loads

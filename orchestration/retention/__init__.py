"""Retention: raw partitions move to archives, Parquet files that can be landed again."""

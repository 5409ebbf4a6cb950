-- What the people used whose rows may be seen: one row per execution, under the same names.
{{ usage }}

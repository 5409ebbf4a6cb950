{#- Statement: the function that gives a row of the price book with its numbers, as JSON. Where these are encrypted the
    session must know their key, and the database pgcrypto, which is looked for when it is needed: a price is never
    unknown because it could not be read. A ciphertext begins with the name of its key, as `warehouse prices` writes
    it. Nothing of a price or key is said when it fails. -#}
{% macro create_decryption(schema) -%}
    create or replace function {{ schema }}.decrypted(price jsonb)
    returns jsonb
    language plpgsql stable parallel safe
    as $decrypted$
    declare
        price_key constant text := nullif(current_setting('app.price_key', true), '');
        wanted_key constant text := split_part(price ->> 'ciphertext', ':', 1);
        known_key constant text := left(encode(sha256(convert_to(price_key, 'UTF8')), 'hex'), 8);
        pgcrypto constant name := (
            select schemas.nspname
            from pg_catalog.pg_extension as extensions
            inner join pg_catalog.pg_namespace as schemas on extensions.extnamespace = schemas.oid
            where extensions.extname = 'pgcrypto'
        );
        numbers text;
    begin
        if wanted_key is null then
            return price;
        end if;
        if price_key is null then
            raise invalid_password using
                message = 'The price book holds encrypted prices, and this session has no key for them.',
                hint = 'Set WAREHOUSE_PRICE_KEY or WAREHOUSE_PRICE_KEY_FILE; for dbt in a shell, then run '
                    'eval "$(warehouse env)".';
        end if;
        if known_key <> wanted_key then
            raise invalid_password using
                message = format(
                    'A price is encrypted with key %s, and the key of this session is %s.', wanted_key, known_key
                ),
                hint = 'Set WAREHOUSE_PRICE_KEY to that key. If it was replaced, run `warehouse prices rotate` with '
                    'the old one in WAREHOUSE_PRICE_KEY_OLD, which also renews what this database remembers.';
        end if;
        if pgcrypto is null then
            raise undefined_function using
                message = 'The price book holds encrypted prices, and this database has no pgcrypto.',
                hint = 'Run as its owner: create extension pgcrypto. The embedded server does not have it: '
                    'use a server of your own, see docs/operations.md.';
        end if;
        begin
            execute format('select %I.pgp_sym_decrypt($1, $2)', pgcrypto)
            into numbers
            using decode(split_part(price ->> 'ciphertext', ':', 2), 'base64'), price_key;
        exception when external_routine_invocation_exception or invalid_parameter_value then
            raise data_corrupted using
                message = format(
                    'The ciphertext of a price of %s recorded at %s is damaged.',
                    price ->> 'organization_id', price ->> 'recorded_at'
                ),
                hint = 'Put back the row of seeds/pricing as it was.';
        end;
        return price || cast(numbers as jsonb);
    end
    $decrypted$
{%- endmacro %}

{{ config(materialized='table') }}

{{ identity_pairs('account', {
    'code': "case
            when one.checked_code is null and other.checked_code is null then 'missing'
            when length(one.credit_code) <> length(other.credit_code) then 'missing'
            when one.credit_code is null or other.credit_code is null then 'missing'
            when one.is_code_checked and other.is_code_checked and one.credit_code = other.credit_code then 'equal'
            when one.is_code_checked and other.is_code_checked then 'differs'
            when one.credit_code = other.credit_code or " ~ edit_similarity('one.credit_code', 'other.credit_code') ~ " >= 0.8 then 'near'
            else 'unlike'
        end",
    'name': "case
            when one.core = '' or other.core = '' then 'missing'
            when one.sound <> other.sound and one.brand = other.brand and one.trade <> '' and other.trade <> '' then 'other_trade'
            when (one.sound = other.sound or one.brand = other.brand) and one.place <> '' and other.place <> ''
                and one.place <> other.place then 'other_place'
            when one.core = other.core and one.trade <> other.trade then 'other_trade'
            when one.core = other.core and one.place <> '' and other.place <> '' then 'registered'
            when one.core = other.core then 'exact'
            when one.sound = other.sound then 'sound'
            when one.brand = other.brand then 'brand'
            when " ~ edit_similarity('one.sound', 'other.sound') ~ " >= 0.8 then 'similar'
            else 'different'
        end",
    'branch': "case
            when one.branch = other.branch and one.branch_place = other.branch_place then 'same'
            when one.branch = '' or other.branch = '' then 'differs'
            when one.branch_place <> '' and other.branch_place <> '' and one.branch_place <> other.branch_place then 'differs'
            else 'unclear'
        end",
    'domain': compared('domain'),
    'phone': compared('phone_hash'),
    'region': "case
            when one.city = other.city then 'city'
            when one.city <> other.city or one.province <> other.province then 'differs'
            when one.province = other.province then 'province'
            else 'missing'
        end",
    'industry': compared('industry'),
}) }}

//! The tables, which differ in their schema and in some types.

/// `tables! { { shop. } Uuid Jsonb }`
macro_rules! tables {
    ({ $($schema:tt)* } $uuid:ident $json:ident) => {
        diesel::table! {
            $($schema)* countries (code) {
                code -> Text,
                name -> Text,
            }
        }

        diesel::table! {
            $($schema)* customers (id) {
                id -> $uuid,
                name -> Text,
                country -> Text,
                card -> Nullable<Text>,
            }
        }

        diesel::table! {
            $($schema)* products (id) {
                id -> Integer,
                sku -> Text,
                kind -> Text,
                price -> BigInt,
                blurb -> Nullable<Text>,
                stock -> Integer,
            }
        }

        diesel::table! {
            $($schema)* orders (id) {
                id -> BigInt,
                customer -> $uuid,
                status -> Text,
                details -> $json,
            }
        }

        diesel::table! {
            $($schema)* order_lines (id) {
                id -> Integer,
                order_id -> BigInt,
                product -> Integer,
                quantity -> Integer,
            }
        }

        diesel::table! {
            $($schema)* moves (id) {
                id -> BigInt,
                product -> Integer,
                amount -> Integer,
                shelf -> Text,
                reason -> Text,
            }
        }

        diesel::table! {
            $($schema)* tickets (code) {
                code -> Text,
                holder -> Text,
            }
        }

        diesel::joinable!(order_lines -> orders (order_id));
        diesel::allow_tables_to_appear_in_same_query!(orders, order_lines);
    };
}

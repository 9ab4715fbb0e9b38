//! The Diesel statements of a repository: concrete, because generic ones need bounds that fill
//! pages, and called by their full paths, because method syntax depends on the user's imports.

/// The functions of [`Model`](super::Model) that speak to the database.
///
/// `table` is the path of a table's `table`, `given` the field of the insert type that holds the
/// key, if the database does not make it.
// Not public API. Used by generated code.
#[doc(hidden)]
#[macro_export]
macro_rules! __statements {
    (sqlite $model:tt) => {
        $crate::__statements!(@read $model);
        $crate::__statements!(@do_not_lock $model);
        $crate::__statements!(@write $model);
        $crate::__statements!(@return_what_was_written $model);
        $crate::__statements!(@insert_many_alike $model);
    };
    (postgres $model:tt) => {
        $crate::__statements!(@read $model);
        $crate::__statements!(@lock $model);
        $crate::__statements!(@write $model);
        $crate::__statements!(@return_what_was_written $model);
        $crate::__statements!(@insert_many_at_once $model);
    };
    (mysql $model:tt) => {
        $crate::__statements!(@read $model);
        $crate::__statements!(@lock $model);
        $crate::__statements!(@write $model);
        $crate::__statements!(@read_back_what_was_written $model);
    };

    (@read {
        connection: $connection:ty, entity: $entity:ty, table: $table:path,
        insert: $insert:ty, update: $update:ty, given: ($($given:ident)?),
    }) => {
        const TABLE: &'static str = ::core::stringify!($table);

        // `get_result`, because `first` adds a LIMIT that SQLite prepares anew every time.
        fn select(
            conn: &mut $connection,
            key: &<$entity as $crate::Entity>::Key,
        ) -> $crate::__private::diesel::QueryResult<::core::option::Option<$entity>> {
            use $crate::__private::diesel::{OptionalExtension, QueryDsl, RunQueryDsl};
            let row = QueryDsl::select(
                QueryDsl::find($table, key),
                $crate::__private::selected::<$entity, $connection>(),
            );
            OptionalExtension::optional(RunQueryDsl::get_result(row, conn))
        }

        fn select_many(
            conn: &mut $connection,
            keys: &[<$entity as $crate::Entity>::Key],
        ) -> $crate::__private::diesel::QueryResult<::std::vec::Vec<$entity>> {
            use $crate::__private::diesel::{ExpressionMethods, QueryDsl, RunQueryDsl, Table};
            let key = Table::primary_key(&$table);
            let rows = QueryDsl::select(
                QueryDsl::filter($table, ExpressionMethods::eq_any(key, keys)),
                $crate::__private::selected::<$entity, $connection>(),
            );
            RunQueryDsl::load(rows, conn)
        }

        fn list(
            conn: &mut $connection,
            page: $crate::Page,
        ) -> $crate::__private::diesel::QueryResult<::std::vec::Vec<$entity>> {
            use $crate::__private::diesel::{QueryDsl, RunQueryDsl, Table};
            let rows = QueryDsl::select(
                QueryDsl::order($table, Table::primary_key(&$table)),
                $crate::__private::selected::<$entity, $connection>(),
            );
            let page = QueryDsl::offset(QueryDsl::limit(rows, page.limit()), page.offset());
            RunQueryDsl::load(page, conn)
        }

        fn exists(
            conn: &mut $connection,
            key: &<$entity as $crate::Entity>::Key,
        ) -> $crate::__private::diesel::QueryResult<bool> {
            use $crate::__private::diesel::{QueryDsl, RunQueryDsl, dsl};
            let exists = $crate::__private::diesel::select(dsl::exists(QueryDsl::find($table, key)));
            RunQueryDsl::get_result(exists, conn)
        }

        fn count(conn: &mut $connection) -> $crate::__private::diesel::QueryResult<i64> {
            use $crate::__private::diesel::{QueryDsl, RunQueryDsl};
            RunQueryDsl::get_result(QueryDsl::count($table), conn)
        }
    };

    // SQLite has one writer at a time.
    (@do_not_lock {
        connection: $connection:ty, entity: $entity:ty, table: $table:path,
        insert: $insert:ty, update: $update:ty, given: ($($given:ident)?),
    }) => {
        fn select_for_update(
            conn: &mut $connection,
            key: &<$entity as $crate::Entity>::Key,
        ) -> $crate::__private::diesel::QueryResult<::core::option::Option<$entity>> {
            <Self as $crate::__private::Model>::select(conn, key)
        }

        fn select_many_for_update(
            conn: &mut $connection,
            keys: &[<$entity as $crate::Entity>::Key],
        ) -> $crate::__private::diesel::QueryResult<::std::vec::Vec<$entity>> {
            <Self as $crate::__private::Model>::select_many(conn, keys)
        }
    };

    (@lock {
        connection: $connection:ty, entity: $entity:ty, table: $table:path,
        insert: $insert:ty, update: $update:ty, given: ($($given:ident)?),
    }) => {
        fn select_for_update(
            conn: &mut $connection,
            key: &<$entity as $crate::Entity>::Key,
        ) -> $crate::__private::diesel::QueryResult<::core::option::Option<$entity>> {
            use $crate::__private::diesel::{OptionalExtension, QueryDsl, RunQueryDsl};
            let row = QueryDsl::select(
                QueryDsl::find($table, key),
                $crate::__private::selected::<$entity, $connection>(),
            );
            OptionalExtension::optional(RunQueryDsl::get_result(QueryDsl::for_update(row), conn))
        }

        // By key, so that two who lock the same rows wait instead of blocking each other.
        fn select_many_for_update(
            conn: &mut $connection,
            keys: &[<$entity as $crate::Entity>::Key],
        ) -> $crate::__private::diesel::QueryResult<::std::vec::Vec<$entity>> {
            use $crate::__private::diesel::{ExpressionMethods, QueryDsl, RunQueryDsl, Table};
            let key = Table::primary_key(&$table);
            let rows = QueryDsl::filter($table, ExpressionMethods::eq_any(key, keys));
            let rows = QueryDsl::select(
                QueryDsl::order(rows, key),
                $crate::__private::selected::<$entity, $connection>(),
            );
            RunQueryDsl::load(QueryDsl::for_update(rows), conn)
        }
    };

    (@write {
        connection: $connection:ty, entity: $entity:ty, table: $table:path,
        insert: $insert:ty, update: $update:ty, given: ($($given:ident)?),
    }) => {
        fn delete(
            conn: &mut $connection,
            key: &<$entity as $crate::Entity>::Key,
        ) -> $crate::__private::diesel::QueryResult<usize> {
            use $crate::__private::diesel::{QueryDsl, RunQueryDsl};
            let row = QueryDsl::find($table, key);
            RunQueryDsl::execute($crate::__private::diesel::delete(row), conn)
        }

        fn delete_many(
            conn: &mut $connection,
            keys: &[<$entity as $crate::Entity>::Key],
        ) -> $crate::__private::diesel::QueryResult<usize> {
            use $crate::__private::diesel::{ExpressionMethods, QueryDsl, RunQueryDsl, Table};
            let key = Table::primary_key(&$table);
            let rows = QueryDsl::filter($table, ExpressionMethods::eq_any(key, keys));
            RunQueryDsl::execute($crate::__private::diesel::delete(rows), conn)
        }

        fn binds_of_insert(data: &$insert) -> $crate::__private::diesel::QueryResult<usize> {
            let statement = $crate::__private::diesel::insert_into($table).values(data);
            $crate::__private::binds_of::<$connection, _>(&statement)
        }

        fn binds_of_update(update: &$update) -> $crate::__private::diesel::QueryResult<usize> {
            use $crate::__private::diesel::{AsChangeset, Table};
            let statement = $crate::__private::UpdateByKey::new(
                &$table,
                AsChangeset::as_changeset(update),
                Table::primary_key(&$table),
            );
            $crate::__private::binds_of::<$connection, _>(&statement)
        }

        fn makes_ascending_keys(
            data: &[$insert],
        ) -> $crate::__private::diesel::QueryResult<bool> {
            use $crate::__private::diesel::query_builder::QueryId;
            use $crate::__private::diesel::{Insertable, Table, insert_into};
            if !$crate::__private::ascends($crate::__private::key_type(&$table)) {
                return ::core::result::Result::Ok(false);
            }
            let key = Table::primary_key(&$table);
            // With a static id, what is true of one row's SQL is true of all.
            let is_same = <<&'static $insert as Insertable<$table>>::Values as QueryId>
                ::HAS_STATIC_QUERY_ID;
            for row in &data[..if is_same { data.len().min(1) } else { data.len() }] {
                let statement = insert_into($table).values(row);
                if $crate::__private::gives_key::<$connection, _, _>(&statement, &key)? {
                    return ::core::result::Result::Ok(false);
                }
            }
            ::core::result::Result::Ok(true)
        }

        $(
            fn given_key(
                data: &$insert,
            ) -> ::core::option::Option<<$entity as $crate::Entity>::Key> {
                ::core::option::Option::Some(::core::clone::Clone::clone(&data.$given))
            }
        )?
    };

    (@return_what_was_written {
        connection: $connection:ty, entity: $entity:ty, table: $table:path,
        insert: $insert:ty, update: $update:ty, given: ($($given:ident)?),
    }) => {
        fn insert(
            conn: &mut $connection,
            data: &$insert,
        ) -> $crate::__private::diesel::QueryResult<$entity> {
            use $crate::__private::diesel::{RunQueryDsl, insert_into};
            let statement = insert_into($table)
                .values(data)
                .returning($crate::__private::returned::<$entity, $connection>());
            RunQueryDsl::get_result(statement, conn)
        }

        fn update(
            conn: &mut $connection,
            key: &<$entity as $crate::Entity>::Key,
            update: &$update,
        ) -> $crate::__private::diesel::QueryResult<::core::option::Option<$entity>> {
            use $crate::__private::diesel::{
                AsChangeset, ExpressionMethods, OptionalExtension, RunQueryDsl, Table,
            };
            static RETURNING: $crate::__private::OnceCell<::std::string::String> =
                $crate::__private::OnceCell::new();
            let statement = $crate::__private::UpdateByKey::new(
                &$table,
                AsChangeset::as_changeset(update),
                ExpressionMethods::eq(Table::primary_key(&$table), key),
            )
            .returning::<$connection, _>(
                &RETURNING,
                &$crate::__private::returned::<$entity, $connection>(),
            )?;
            OptionalExtension::optional(RunQueryDsl::get_result(statement, conn))
        }

        fn update_many(
            conn: &mut $connection,
            keys: &[<$entity as $crate::Entity>::Key],
            update: &$update,
        ) -> $crate::__private::diesel::QueryResult<::std::vec::Vec<$entity>> {
            use $crate::__private::diesel::{AsChangeset, ExpressionMethods, RunQueryDsl, Table};
            static RETURNING: $crate::__private::OnceCell<::std::string::String> =
                $crate::__private::OnceCell::new();
            let statement = $crate::__private::UpdateByKey::new(
                &$table,
                AsChangeset::as_changeset(update),
                ExpressionMethods::eq_any(Table::primary_key(&$table), keys),
            )
            .returning::<$connection, _>(
                &RETURNING,
                &$crate::__private::returned::<$entity, $connection>(),
            )?;
            RunQueryDsl::load(statement, conn)
        }
    };

    (@insert_many_at_once {
        connection: $connection:ty, entity: $entity:ty, table: $table:path,
        insert: $insert:ty, update: $update:ty, given: ($($given:ident)?),
    }) => {
        fn insert_many(
            conn: &mut $connection,
            data: &[$insert],
        ) -> $crate::__private::diesel::QueryResult<::std::vec::Vec<$entity>> {
            use $crate::__private::diesel::{RunQueryDsl, insert_into};
            let statement = insert_into($table)
                .values(data)
                .returning($crate::__private::returned::<$entity, $connection>());
            RunQueryDsl::load(statement, conn)
        }
    };

    // SQLite has no DEFAULT among values: a column that is left to the database is left out, and
    // Diesel then inserts row by row, also where all rows leave out the same. Without that choice
    // their SQL is the same in every row, and Diesel knows it by a static id.
    (@insert_many_alike {
        connection: $connection:ty, entity: $entity:ty, table: $table:path,
        insert: $insert:ty, update: $update:ty, given: ($($given:ident)?),
    }) => {
        fn insert_many(
            conn: &mut $connection,
            data: &[$insert],
        ) -> $crate::__private::diesel::QueryResult<::std::vec::Vec<$entity>> {
            use $crate::__private::diesel::query_builder::QueryId;
            use $crate::__private::diesel::{Insertable, RunQueryDsl, insert_into};
            if <<&'static $insert as Insertable<$table>>::Values as QueryId>::HAS_STATIC_QUERY_ID {
                let statement = insert_into($table)
                    .values(data)
                    .returning($crate::__private::returned::<$entity, $connection>());
                return RunQueryDsl::load(statement, conn);
            }
            let mut inserted = ::std::vec::Vec::with_capacity(data.len());
            let rows = data.iter().map(Insertable::<$table>::values);
            for alike in $crate::__private::alike::<$connection, _>(rows)? {
                let statement = $crate::__private::InsertAlike::new(
                    &$table,
                    alike.columns,
                    alike.rows.iter().map(|row| &row.values).collect(),
                    $crate::__private::returned::<$entity, $connection>(),
                );
                inserted.extend(RunQueryDsl::load::<$entity>(statement, conn)?);
            }
            ::core::result::Result::Ok(inserted)
        }
    };

    (@read_back_what_was_written {
        connection: $connection:ty, entity: $entity:ty, table: $table:path,
        insert: $insert:ty, update: $update:ty, given: ($($given:ident)?),
    }) => {
        fn insert(
            conn: &mut $connection,
            data: &$insert,
        ) -> $crate::__private::diesel::QueryResult<$entity> {
            use $crate::__private::diesel::{
                ExpressionMethods, QueryDsl, RunQueryDsl, Table, insert_into, result,
            };
            let given = <Self as $crate::__private::Model>::given_key(data);
            if given.is_none()
                && !<Self as $crate::__private::Model>::makes_ascending_keys(
                    ::core::slice::from_ref(data),
                )?
            {
                return ::core::result::Result::Err($crate::__private::untold_key());
            }
            RunQueryDsl::execute(insert_into($table).values(data), conn)?;
            if let ::core::option::Option::Some(key) = given {
                let row = <Self as $crate::__private::Model>::select(conn, &key);
                return $crate::__private::read_back(
                    row.and_then(|row| row.ok_or(result::Error::NotFound)),
                );
            }
            let key = Table::primary_key(&$table);
            let made = $crate::__private::LastInsertId::new();
            let row = QueryDsl::select(
                QueryDsl::filter($table, ExpressionMethods::eq(key, made)),
                $crate::__private::selected::<$entity, $connection>(),
            );
            $crate::__private::read_back(RunQueryDsl::get_result(row, conn))
        }

        // The keys of one INSERT follow each other, in the order of its rows, whatever
        // innodb_autoinc_lock_mode is; LAST_INSERT_ID() is the first.
        fn insert_many(
            conn: &mut $connection,
            data: &[$insert],
        ) -> $crate::__private::diesel::QueryResult<::std::vec::Vec<$entity>> {
            use $crate::__private::diesel::{
                ExpressionMethods, QueryDsl, RunQueryDsl, Table, insert_into,
            };
            RunQueryDsl::execute(insert_into($table).values(data), conn)?;
            let given: ::core::option::Option<::std::vec::Vec<_>> =
                data.iter().map(<Self as $crate::__private::Model>::given_key).collect();
            if let ::core::option::Option::Some(keys) = given {
                return <Self as $crate::__private::Model>::select_many(conn, &keys);
            }
            let key = Table::primary_key(&$table);
            let first = $crate::__private::LastInsertId::new();
            let rows = QueryDsl::filter($table, ExpressionMethods::ge(key, first));
            let rows = QueryDsl::select(
                QueryDsl::order(rows, key),
                $crate::__private::selected::<$entity, $connection>(),
            );
            let rows = QueryDsl::limit(rows, $crate::__private::limit_of(data));
            RunQueryDsl::load(rows, conn)
        }

        fn update(
            conn: &mut $connection,
            key: &<$entity as $crate::Entity>::Key,
            update: &$update,
        ) -> $crate::__private::diesel::QueryResult<::core::option::Option<$entity>> {
            use $crate::__private::diesel::{AsChangeset, ExpressionMethods, RunQueryDsl, Table};
            let statement = $crate::__private::UpdateByKey::new(
                &$table,
                AsChangeset::as_changeset(update),
                ExpressionMethods::eq(Table::primary_key(&$table), key),
            );
            // The statement sees rows as they are, the SELECT behind it as they were when the
            // transaction began: a row that is gone since would come back. Diesel asks the server
            // to count the rows that match, changed or not.
            if RunQueryDsl::execute(statement, conn)? == 0 {
                return ::core::result::Result::Ok(::core::option::Option::None);
            }
            $crate::__private::read_back(<Self as $crate::__private::Model>::select(conn, key))
        }

        fn update_many(
            conn: &mut $connection,
            keys: &[<$entity as $crate::Entity>::Key],
            update: &$update,
        ) -> $crate::__private::diesel::QueryResult<::std::vec::Vec<$entity>> {
            use $crate::__private::diesel::{AsChangeset, ExpressionMethods, RunQueryDsl, Table};
            let statement = $crate::__private::UpdateByKey::new(
                &$table,
                AsChangeset::as_changeset(update),
                ExpressionMethods::eq_any(Table::primary_key(&$table), keys),
            );
            if RunQueryDsl::execute(statement, conn)? < keys.len() {
                // With locks, to see what is there now.
                return <Self as $crate::__private::Model>::select_many_for_update(conn, keys);
            }
            <Self as $crate::__private::Model>::select_many(conn, keys)
        }
    };
}

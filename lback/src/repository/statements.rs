//! The Diesel statements of a repository: concrete, because generic ones need bounds that fill
//! pages, and called by their full paths, because method syntax depends on the user's imports.

/// The functions of [`Model`](super::Model) that speak to the database.
///
/// All that they work with comes from the traits of `role.rs`, and from the place of the option
/// that names the type, where the compiler reports what is missing: `table`, and the roles of
/// `entity`, `insert` and `update`. Everything else stands `at` the entity, so that the compiler says
/// once what it has to say many times. `given` is the field of the insert type that holds the key,
/// if the database does not make it.
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
        at: $at:ident, key: $key:ty, table: $table:expr, entity: $entity:expr,
        insert: $insert:expr, update: $update:expr, given: ($($given:ident)?),
    }) => {
        $crate::__private::located! { $at
        // `get_result`, because `first` adds a LIMIT that SQLite prepares anew every time.
        fn select(
            conn: &mut Self::Connection,
            key: &$key,
        ) -> $crate::__private::diesel::QueryResult<::core::option::Option<Self::Entity>> {
            use $crate::__private::diesel::{OptionalExtension, QueryDsl, RunQueryDsl};
            let row = QueryDsl::select(
                QueryDsl::find($table, key),
                $entity.columns(),
            );
            OptionalExtension::optional($entity.row(RunQueryDsl::get_result(row, conn)))
        }

        fn select_many(
            conn: &mut Self::Connection,
            keys: &[$key],
        ) -> $crate::__private::diesel::QueryResult<::std::vec::Vec<Self::Entity>> {
            use $crate::__private::diesel::{ExpressionMethods, QueryDsl, RunQueryDsl, Table};
            let key = Table::primary_key(&$table);
            let rows = QueryDsl::select(
                QueryDsl::filter($table, ExpressionMethods::eq_any(key, keys)),
                $entity.columns(),
            );
            $entity.rows(RunQueryDsl::load(rows, conn))
        }

        fn list(
            conn: &mut Self::Connection,
            page: $crate::Page,
        ) -> $crate::__private::diesel::QueryResult<::std::vec::Vec<Self::Entity>> {
            use $crate::__private::diesel::{QueryDsl, RunQueryDsl, Table};
            let rows = QueryDsl::select(
                QueryDsl::order($table, Table::primary_key(&$table)),
                $entity.columns(),
            );
            let page = QueryDsl::offset(QueryDsl::limit(rows, page.limit()), page.offset());
            $entity.rows(RunQueryDsl::load(page, conn))
        }

        fn exists(
            conn: &mut Self::Connection,
            key: &$key,
        ) -> $crate::__private::diesel::QueryResult<bool> {
            use $crate::__private::diesel::{QueryDsl, RunQueryDsl, dsl};
            let exists = $crate::__private::diesel::select(dsl::exists(QueryDsl::find($table, key)));
            RunQueryDsl::get_result(exists, conn)
        }

        fn count(conn: &mut Self::Connection) -> $crate::__private::diesel::QueryResult<i64> {
            use $crate::__private::diesel::{QueryDsl, RunQueryDsl};
            RunQueryDsl::get_result(QueryDsl::count($table), conn)
        }
        }
    };

    // SQLite has one writer at a time.
    (@do_not_lock {
        at: $at:ident, key: $key:ty, table: $table:expr, entity: $entity:expr,
        insert: $insert:expr, update: $update:expr, given: ($($given:ident)?),
    }) => {
        $crate::__private::located! { $at
        fn select_for_update(
            conn: &mut Self::Connection,
            key: &$key,
        ) -> $crate::__private::diesel::QueryResult<::core::option::Option<Self::Entity>> {
            <Self as $crate::__private::Model>::select(conn, key)
        }

        fn select_many_for_update(
            conn: &mut Self::Connection,
            keys: &[$key],
        ) -> $crate::__private::diesel::QueryResult<::std::vec::Vec<Self::Entity>> {
            <Self as $crate::__private::Model>::select_many(conn, keys)
        }
        }
    };

    (@lock {
        at: $at:ident, key: $key:ty, table: $table:expr, entity: $entity:expr,
        insert: $insert:expr, update: $update:expr, given: ($($given:ident)?),
    }) => {
        $crate::__private::located! { $at
        fn select_for_update(
            conn: &mut Self::Connection,
            key: &$key,
        ) -> $crate::__private::diesel::QueryResult<::core::option::Option<Self::Entity>> {
            use $crate::__private::diesel::{OptionalExtension, QueryDsl, RunQueryDsl};
            let row = QueryDsl::select(
                QueryDsl::find($table, key),
                $entity.columns(),
            );
            OptionalExtension::optional($entity.row(RunQueryDsl::get_result(QueryDsl::for_update(row), conn)))
        }

        // By key, so that two who lock the same rows wait instead of blocking each other.
        fn select_many_for_update(
            conn: &mut Self::Connection,
            keys: &[$key],
        ) -> $crate::__private::diesel::QueryResult<::std::vec::Vec<Self::Entity>> {
            use $crate::__private::diesel::{ExpressionMethods, QueryDsl, RunQueryDsl, Table};
            let key = Table::primary_key(&$table);
            let rows = QueryDsl::filter($table, ExpressionMethods::eq_any(key, keys));
            let rows = QueryDsl::select(
                QueryDsl::order(rows, key),
                $entity.columns(),
            );
            $entity.rows(RunQueryDsl::load(QueryDsl::for_update(rows), conn))
        }
        }
    };

    (@write {
        at: $at:ident, key: $key:ty, table: $table:expr, entity: $entity:expr,
        insert: $insert:expr, update: $update:expr, given: ($($given:ident)?),
    }) => {
        $crate::__private::located! { $at
        fn delete(
            conn: &mut Self::Connection,
            key: &$key,
        ) -> $crate::__private::diesel::QueryResult<usize> {
            use $crate::__private::diesel::{QueryDsl, RunQueryDsl};
            let row = QueryDsl::find($table, key);
            RunQueryDsl::execute($crate::__private::diesel::delete(row), conn)
        }

        fn delete_many(
            conn: &mut Self::Connection,
            keys: &[$key],
        ) -> $crate::__private::diesel::QueryResult<usize> {
            use $crate::__private::diesel::{ExpressionMethods, QueryDsl, RunQueryDsl, Table};
            let key = Table::primary_key(&$table);
            let rows = QueryDsl::filter($table, ExpressionMethods::eq_any(key, keys));
            RunQueryDsl::execute($crate::__private::diesel::delete(rows), conn)
        }

        fn binds_of_insert(data: &Self::Insert) -> $crate::__private::diesel::QueryResult<usize> {
            let statement = $crate::__private::diesel::insert_into($table).values($insert.row(data));
            $crate::__private::binds_of::<Self::Connection, _>(&statement)
        }

        fn binds_of_update(update: &Self::Update) -> $crate::__private::diesel::QueryResult<usize> {
            $crate::__private::binds_of_changes::<Self::Connection, _>(&$update.changeset(update))
        }

        fn makes_ascending_keys(
            data: &[Self::Insert],
        ) -> $crate::__private::diesel::QueryResult<bool> {
            use $crate::__private::diesel::{Table, insert_into};
            if !$crate::__private::ascends($crate::__private::key_type(&$table)) {
                return ::core::result::Result::Ok(false);
            }
            let key = Table::primary_key(&$table);
            let is_same = $insert.same_for_all();
            for row in &data[..if is_same { data.len().min(1) } else { data.len() }] {
                let statement = insert_into($table).values($insert.row(row));
                if $crate::__private::gives_key::<Self::Connection, _, _>(&statement, &key)? {
                    return ::core::result::Result::Ok(false);
                }
            }
            ::core::result::Result::Ok(true)
        }

        $(
            fn given_key(
                data: &Self::Insert,
            ) -> ::core::option::Option<$key> {
                ::core::option::Option::Some(::core::clone::Clone::clone(&data.$given))
            }
        )?
        }
    };

    (@return_what_was_written {
        at: $at:ident, key: $key:ty, table: $table:expr, entity: $entity:expr,
        insert: $insert:expr, update: $update:expr, given: ($($given:ident)?),
    }) => {
        $crate::__private::located! { $at
        fn insert(
            conn: &mut Self::Connection,
            data: &Self::Insert,
        ) -> $crate::__private::diesel::QueryResult<Self::Entity> {
            use $crate::__private::diesel::{RunQueryDsl, insert_into};
            let statement = insert_into($table)
                .values($insert.row(data))
                .returning($entity.columns());
            $entity.row(RunQueryDsl::get_result(statement, conn))
        }

        fn update(
            conn: &mut Self::Connection,
            key: &$key,
            update: &Self::Update,
        ) -> $crate::__private::diesel::QueryResult<::core::option::Option<Self::Entity>> {
            use $crate::__private::diesel::{
                ExpressionMethods, OptionalExtension, RunQueryDsl, Table,
            };
            static RETURNING: $crate::__private::OnceCell<::std::string::String> =
                $crate::__private::OnceCell::new();
            static SHAPES: $crate::__private::Shapes = $crate::__private::Shapes::new();
            let statement = $crate::__private::UpdateByKey::new(
                &$table,
                $update.changeset(update),
                ExpressionMethods::eq(Table::primary_key(&$table), key),
            )
            .returning::<Self::Connection, _>(
                &RETURNING,
                &$entity.columns(),
            )?
            .known::<Self::Connection, Self>(&SHAPES)?;
            OptionalExtension::optional($entity.row(RunQueryDsl::get_result(statement, conn)))
        }

        fn update_many(
            conn: &mut Self::Connection,
            keys: &[$key],
            update: &Self::Update,
        ) -> $crate::__private::diesel::QueryResult<::std::vec::Vec<Self::Entity>> {
            use $crate::__private::diesel::{ExpressionMethods, RunQueryDsl, Table};
            static RETURNING: $crate::__private::OnceCell<::std::string::String> =
                $crate::__private::OnceCell::new();
            let statement = $crate::__private::UpdateByKey::new(
                &$table,
                $update.changeset(update),
                ExpressionMethods::eq_any(Table::primary_key(&$table), keys),
            )
            .returning::<Self::Connection, _>(
                &RETURNING,
                &$entity.columns(),
            )?;
            $entity.rows(RunQueryDsl::load(statement, conn))
        }
        }
    };

    (@insert_many_at_once {
        at: $at:ident, key: $key:ty, table: $table:expr, entity: $entity:expr,
        insert: $insert:expr, update: $update:expr, given: ($($given:ident)?),
    }) => {
        $crate::__private::located! { $at
        fn insert_many(
            conn: &mut Self::Connection,
            data: &[Self::Insert],
        ) -> $crate::__private::diesel::QueryResult<::std::vec::Vec<Self::Entity>> {
            use $crate::__private::diesel::{RunQueryDsl, insert_into};
            let statement = insert_into($table)
                .values($insert.rows(data))
                .returning($entity.columns());
            $entity.rows(RunQueryDsl::load(statement, conn))
        }
        }
    };

    // SQLite has no DEFAULT among values: a column that is left to the database is left out, and
    // Diesel then inserts row by row, also where all rows leave out the same. Without that choice
    // their SQL is the same in every row, and Diesel knows it by a static id.
    (@insert_many_alike {
        at: $at:ident, key: $key:ty, table: $table:expr, entity: $entity:expr,
        insert: $insert:expr, update: $update:expr, given: ($($given:ident)?),
    }) => {
        $crate::__private::located! { $at
        fn insert_many(
            conn: &mut Self::Connection,
            data: &[Self::Insert],
        ) -> $crate::__private::diesel::QueryResult<::std::vec::Vec<Self::Entity>> {
            use $crate::__private::diesel::{RunQueryDsl, insert_into};
            if $insert.same_for_all() {
                let statement = insert_into($table)
                    .values($insert.rows(data))
                    .returning($entity.columns());
                return $entity.rows(RunQueryDsl::load(statement, conn));
            }
            let mut inserted = ::std::vec::Vec::with_capacity(data.len());
            let rows = data.iter().map(|row| $insert.values($insert.row(row)));
            for alike in $crate::__private::alike::<Self::Connection, _>(rows)? {
                let statement = $crate::__private::InsertAlike::new(
                    &$table,
                    alike.columns,
                    alike.rows.iter().map(|row| &row.values).collect(),
                    $entity.columns(),
                );
                inserted.extend($entity.rows(RunQueryDsl::load(statement, conn))?);
            }
            ::core::result::Result::Ok(inserted)
        }
        }
    };

    (@read_back_what_was_written {
        at: $at:ident, key: $key:ty, table: $table:expr, entity: $entity:expr,
        insert: $insert:expr, update: $update:expr, given: ($($given:ident)?),
    }) => {
        $crate::__private::located! { $at
        fn insert(
            conn: &mut Self::Connection,
            data: &Self::Insert,
        ) -> $crate::__private::diesel::QueryResult<Self::Entity> {
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
            RunQueryDsl::execute(insert_into($table).values($insert.row(data)), conn)?;
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
                $entity.columns(),
            );
            $crate::__private::read_back($entity.row(RunQueryDsl::get_result(row, conn)))
        }

        // The keys of one INSERT follow each other, in the order of its rows, whatever
        // innodb_autoinc_lock_mode is; LAST_INSERT_ID() is the first.
        fn insert_many(
            conn: &mut Self::Connection,
            data: &[Self::Insert],
        ) -> $crate::__private::diesel::QueryResult<::std::vec::Vec<Self::Entity>> {
            use $crate::__private::diesel::{
                ExpressionMethods, QueryDsl, RunQueryDsl, Table, insert_into,
            };
            RunQueryDsl::execute(insert_into($table).values($insert.rows(data)), conn)?;
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
                $entity.columns(),
            );
            let rows = QueryDsl::limit(rows, $crate::__private::limit_of(data));
            $entity.rows(RunQueryDsl::load(rows, conn))
        }

        fn update(
            conn: &mut Self::Connection,
            key: &$key,
            update: &Self::Update,
        ) -> $crate::__private::diesel::QueryResult<::core::option::Option<Self::Entity>> {
            use $crate::__private::diesel::{ExpressionMethods, RunQueryDsl, Table};
            static SHAPES: $crate::__private::Shapes = $crate::__private::Shapes::new();
            let statement = $crate::__private::UpdateByKey::new(
                &$table,
                $update.changeset(update),
                ExpressionMethods::eq(Table::primary_key(&$table), key),
            )
            .known::<Self::Connection, Self>(&SHAPES)?;
            // The statement sees rows as they are, the SELECT behind it as they were when the
            // transaction began: a row that is gone since would come back. Diesel asks the server
            // to count the rows that match, changed or not.
            if RunQueryDsl::execute(statement, conn)? == 0 {
                return ::core::result::Result::Ok(::core::option::Option::None);
            }
            $crate::__private::read_back(<Self as $crate::__private::Model>::select(conn, key))
        }

        fn update_many(
            conn: &mut Self::Connection,
            keys: &[$key],
            update: &Self::Update,
        ) -> $crate::__private::diesel::QueryResult<::std::vec::Vec<Self::Entity>> {
            use $crate::__private::diesel::{ExpressionMethods, RunQueryDsl, Table};
            let statement = $crate::__private::UpdateByKey::new(
                &$table,
                $update.changeset(update),
                ExpressionMethods::eq_any(Table::primary_key(&$table), keys),
            );
            if RunQueryDsl::execute(statement, conn)? < keys.len() {
                // With locks, to see what is there now.
                return <Self as $crate::__private::Model>::select_many_for_update(conn, keys);
            }
            <Self as $crate::__private::Model>::select_many(conn, keys)
        }
        }
    };
}

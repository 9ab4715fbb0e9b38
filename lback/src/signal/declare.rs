/// What every signal has, and what differs in nothing but the signal's name.
// Not public API. Used by generated code.
#[doc(hidden)]
#[macro_export]
macro_rules! __declare {
    ($signal:ident $arguments:ident $(, $any:ident)?) => {
        // Receivers in other crates may not implement `Collect` for a generic `Receiver<S>`.
        #[doc(hidden)]
        #[allow(missing_debug_implementations, unreachable_pub)]
        pub struct Entry(pub $crate::__private::Receiver<$signal>);

        $crate::__private::inventory::collect!(Entry);

        #[doc(hidden)]
        #[allow(missing_debug_implementations, unreachable_pub)]
        pub struct Registrar;

        impl Registrar {
            #[doc(hidden)]
            #[allow(unreachable_pub)]
            pub const fn signal(&self) -> &'static $crate::__private::SignalInfo {
                <$signal as $crate::__private::Signal>::INFO
            }

            #[doc(hidden)]
            #[allow(unreachable_pub)]
            pub const fn entry(
                &self,
                registration: $crate::__private::Registration,
                handler: $crate::__private::Handler<$signal>,
                condition: ::core::option::Option<$crate::__private::Condition<$signal>>,
            ) -> Entry {
                let receiver = $crate::__private::Receiver::<$signal>::new(registration, handler);
                Entry(match condition {
                    ::core::option::Option::Some(condition) => receiver.when(condition),
                    ::core::option::Option::None => receiver,
                })
            }
        }

        #[automatically_derived]
        // Otherwise whoever misspells a signal is shown some eight others.
        #[diagnostic::do_not_recommend]
        impl $crate::__private::Declared for $signal {
            type Itself = Self;
            type Arguments = $arguments;
            type Registrar = Registrar;
            const REGISTRAR: Registrar = Registrar;

            $(const ANY: ::core::option::Option<&'static dyn $crate::__private::AnySource<Self>> =
                ::core::option::Option::Some(&$crate::__private::$any);)?

            fn tables() -> &'static $crate::__private::Tables<Self> {
                static TABLES: $crate::__private::Tables<$signal> =
                    $crate::__private::Tables::new();
                &TABLES
            }

            fn each(
                visit: &mut dyn ::core::ops::FnMut(&'static $crate::__private::Receiver<Self>),
            ) {
                for entry in $crate::__private::inventory::iter::<Entry> {
                    visit(&entry.0);
                }
            }
        }

        $crate::__private::inventory::submit! {
            $crate::__private::Declaration::new(
                <$signal as $crate::__private::Signal>::INFO,
                $crate::__private::receivers_of::<$signal>,
            )
        }
    };
}

/// An item around what a receiver registers, that may stand wherever functions do, but in no `impl` and no trait.
/// The compiler refuses it there, and tells in whose expansion: by this name.
// Not public API. Used by generated code.
#[doc(hidden)]
#[macro_export]
macro_rules! __a_receiver_stands_outside_of_impl_and_trait {
    ($(#[$attribute:meta])* $name:ident $($registration:tt)*) => {
        $(#[$attribute])*
        #[doc(hidden)]
        #[allow(dead_code, missing_debug_implementations, non_camel_case_types)]
        enum $name {
            Registered = {
                $($registration)*
                0
            },
        }
    };
}

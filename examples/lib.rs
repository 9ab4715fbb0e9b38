//! One file per idea. The programs stand beside this file; here is what they share, and the
//! documents of the project, whose code blocks are compiled and run as doctests.

pub mod server;

#[cfg(doctest)]
mod document {
    #[doc = include_str!("../README.md")]
    struct Readme;
    #[doc = include_str!("../docs/guide.md")]
    struct Guide;
    #[doc = include_str!("../docs/durable.md")]
    struct Durable;
    #[doc = include_str!("../docs/semantics.md")]
    struct Semantics;
    #[doc = include_str!("../docs/architecture.md")]
    struct Architecture;
    #[doc = include_str!("../docs/operations.md")]
    struct Operations;
    #[doc = include_str!("../docs/performance.md")]
    struct Performance;
}

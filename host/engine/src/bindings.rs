//! The generated bindings of the two worlds; nothing else. Arguments borrow, so that columns are lowered directly from
//! the host's slices.

#![allow(missing_docs, unreachable_pub, reason = "generated code")]

/// World `detection`.
pub mod detection {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "detection",
        ownership: Borrowing { duplicate_if_necessary: false },
    });
}

/// World `response`.
pub mod response {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "response",
        ownership: Borrowing { duplicate_if_necessary: false },
    });
}

//! Generated from the SDK's own copy of the WIT (`wit/`), and nothing else: types, and the macros that export a world.
//! Generated code has no documentation of its own beyond the WIT's, and can't do without `unsafe`.
#![allow(unsafe_code, missing_docs, unreachable_pub, clippy::all, clippy::restriction, reason = "generated")]

/// The world `detection`.
pub mod detection {
    wit_bindgen::generate!({
        path: "wit",
        world: "detection",
        pub_export_macro: true,
        export_macro_name: "export_detection_world",
        default_bindings_module: "countersign_sdk::bindings::detection",
        additional_derives: [PartialEq],
    });
}

/// The world `response`.
pub mod response {
    wit_bindgen::generate!({
        path: "wit",
        world: "response",
        pub_export_macro: true,
        export_macro_name: "export_response_world",
        default_bindings_module: "countersign_sdk::bindings::response",
        additional_derives: [PartialEq],
    });
}

pub use detection::exports::countersign::rules::detect;
pub use response::exports::countersign::rules::respond;

//! The vocabulary in code: an accessor for every field, a marker for every signal class and action. All made from
//! `countersign-vocabulary`, so nothing here can differ from what the host knows.

countersign_sdk_macros::__vocabulary!();

//! An accessor for every field, a marker for every signal class and action: all generated from
//! `countersign-vocabulary`, so that they can't differ from what the host knows.

countersign_sdk_macros::__vocabulary!();

//! Recurses without end: with bare frames, which overflow the call stack, and with arrays, which overflow the stack
//! that a guest keeps in its own memory.

use countersign_sdk::prelude::*;

countersign_sdk::rule!();

#[detection]
fn detect(event: &Event, cx: &mut Context) {
    let depth = match event.api_operation() {
        Some("Frames") => frames(1),
        Some("Arrays") => arrays(1),
        _ => 0,
    };
    cx.report(Finding::new(class::Privilege, 60).message(format!("came back from {depth}")));
}

/// Using the result keeps the compiler from turning the recursion into a loop.
#[inline(never)]
fn frames(depth: u64) -> u64 {
    if depth == 0 {
        return 0;
    }
    let below = frames(depth.wrapping_add(1));
    below.rotate_left((below % 63) as u32) ^ depth
}

#[inline(never)]
fn arrays(depth: u64) -> u64 {
    let mut array = [depth; 128];
    core::hint::black_box(&mut array);
    if depth == 0 {
        return 0;
    }
    let below = arrays(depth.wrapping_add(1));
    below ^ core::hint::black_box(&array).iter().fold(0, |sum, value| sum ^ value)
}

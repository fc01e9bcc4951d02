//! The guest's global allocator: a bump allocator that never frees. Each call has a fresh instance, and a call's memory
//! is bounded by the rule's declared limit.
//!
//! The heap begins behind the linked data (`__heap_base`) and ends where linear memory does; it grows by the requested
//! size, rounded up to whole pages. The last block can grow in place. Fresh linear memory is zero and is handed out
//! once, so zeroed memory costs nothing.
#![allow(unsafe_code, reason = "a global allocator")]

use core::alloc::{GlobalAlloc, Layout};
use core::arch::wasm32::{memory_grow, memory_size};
use core::cell::Cell;
use core::ptr::null_mut;

const PAGE: usize = 65_536;

#[global_allocator]
static ALLOCATOR: Bump = Bump { next: Cell::new(0), end: Cell::new(0) };

struct Bump {
    // The first free address; 0 before the first use.
    next: Cell<usize>,
    // The last known end of linear memory.
    end: Cell<usize>,
}

// SAFETY: the module is built without threads.
unsafe impl Sync for Bump {}

unsafe extern "C" {
    // Its address is the first one behind the linked data.
    static __heap_base: u8;
}

impl Bump {
    /// Hands out `size` bytes from `start` on; null if there is no room.
    #[inline]
    fn take(&self, start: usize, size: usize) -> *mut u8 {
        let Some(end) = start.checked_add(size) else { return null_mut() };
        if end > self.end.get() && !self.grow(end) {
            return null_mut();
        }
        self.next.set(end);
        start as *mut u8
    }

    #[cold]
    #[inline(never)]
    fn grow(&self, end: usize) -> bool {
        let here = memory_size(0);
        let missing = end.div_ceil(PAGE).saturating_sub(here);
        if missing > 0 && memory_grow(0, missing) == usize::MAX {
            return false;
        }
        // 65,536 pages end at 2^32, which an address can't hold.
        self.end.set(memory_size(0).saturating_mul(PAGE));
        true
    }

    #[inline]
    fn start(&self) -> usize {
        match self.next.get() {
            0 => &raw const __heap_base as usize,
            next => next,
        }
    }
}

// SAFETY: blocks are handed out once, don't overlap, and lie within linear memory, aligned as asked.
unsafe impl GlobalAlloc for Bump {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let mask = layout.align() - 1;
        match self.start().checked_add(mask) {
            Some(start) => self.take(start & !mask, layout.size()),
            None => null_mut(),
        }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise is the same; memory that was never handed out is zero.
        unsafe { self.alloc(layout) }
    }

    #[inline]
    unsafe fn dealloc(&self, _block: *mut u8, _layout: Layout) {}

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        if new_size <= layout.size() {
            return block;
        }
        if block as usize + layout.size() == self.next.get() {
            return self.take(block as usize, new_size);
        }
        // SAFETY: the caller promises that the new size is not 0 and fits; the alignment is as it was.
        let new = unsafe { self.alloc(Layout::from_size_align_unchecked(new_size, layout.align())) };
        if !new.is_null() {
            // SAFETY: this allocator handed out both blocks, both have at least `layout.size()` bytes, and they don't
            // overlap.
            unsafe { block.copy_to_nonoverlapping(new, layout.size()) };
        }
        new
    }
}

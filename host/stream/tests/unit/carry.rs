//! State and timers that go on under another rule.

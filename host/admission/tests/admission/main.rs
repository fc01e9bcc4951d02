//! Admission from outside: fixtures as data, and bytes that mean harm.

#[cfg(test)]
mod bounded;
#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod precedent;
#[cfg(test)]
mod support;

//! Names of flags, each kept once and known by its id.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use crate::ids::FlagId;

/// All names an engine has met.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interner {
    names: Vec<Arc<str>>,
    ids: HashMap<Arc<str>, FlagId, BuildHasherDefault<NameHasher>>,
}

impl Interner {
    /// The id of a name, if the name is known.
    pub(crate) fn lookup(&self, name: &str) -> Option<FlagId> {
        self.ids.get(name).copied()
    }

    /// The id of a name, which is known from now on.
    pub(crate) fn intern(&mut self, name: &str) -> FlagId {
        if let Some(id) = self.lookup(name) {
            return id;
        }
        let id = FlagId::new(self.names.len());
        let name: Arc<str> = Arc::from(name);
        self.names.push(Arc::clone(&name));
        self.ids.insert(name, id);
        id
    }

    /// The name of an id; `None` if the id is another engine's.
    pub(crate) fn name(&self, id: FlagId) -> Option<&str> {
        self.names.get(id.index()).map(AsRef::as_ref)
    }
}

/// Multiplies and rotates, eight bytes at a time. The standard hasher is made to withstand keys that
/// are chosen to collide and costs more than the rest of a lookup; the names of flags are written
/// by the charm's author.
#[derive(Clone, Copy, Debug, Default)]
struct NameHasher(u64);

impl NameHasher {
    // An odd number without pattern: 2^64 divided by the golden ratio.
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

    fn add(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(Self::FACTOR);
    }
}

impl Hasher for NameHasher {
    fn write(&mut self, bytes: &[u8]) {
        let mut chunks = bytes.chunks_exact(8);
        for chunk in &mut chunks {
            let mut word = [0; 8];
            word.copy_from_slice(chunk);
            self.add(u64::from_le_bytes(word));
        }
        let rest = chunks.remainder();
        if !rest.is_empty() {
            let mut word = [0; 8];
            word[..rest.len()].copy_from_slice(rest);
            self.add(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, byte: u8) {
        self.add(u64::from(byte));
    }

    fn finish(&self) -> u64 {
        // The multiplication leaves the best bits at the top; the table also looks at the lowest.
        self.0 ^ (self.0 >> 32)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::hash::{BuildHasher, BuildHasherDefault};

    use super::{Interner, NameHasher};

    #[test]
    fn numbers_names_in_the_order_they_are_met() {
        let mut interner = Interner::default();
        for (name, index) in [("a", 0), ("", 1), ("a", 0), ("ä.ö", 2), ("a\0", 3), ("", 1)] {
            let id = interner.intern(name);
            assert_eq!(id.index(), index, "{name:?}");
            assert_eq!(interner.name(id), Some(name));
            assert_eq!(interner.lookup(name), Some(id));
        }
    }

    #[test]
    fn looking_up_does_not_intern() {
        let mut interner = Interner::default();
        assert_eq!(interner.lookup("a"), None);
        assert_eq!(interner.intern("b").index(), 0);
    }

    #[test]
    fn hashes_of_like_names_differ_in_all_their_bits() {
        let build = BuildHasherDefault::<NameHasher>::default();
        let hashes: Vec<u64> = (0..4096)
            .map(|number| build.hash_one(format!("endpoint.db.changed.key-{number}")))
            .collect();
        let distinct = |shift: u32, mask: u64| {
            hashes.iter().map(|hash| (hash >> shift) & mask).collect::<HashSet<_>>().len()
        };
        assert_eq!(distinct(0, u64::MAX), 4096);
        // Seven top bits and, for 4096 names in 8192 places, thirteen low ones decide the place.
        assert_eq!(distinct(57, 0x7f), 128);
        assert!(distinct(0, 0x1fff) > 2900, "{}", distinct(0, 0x1fff));
    }
}

//! A set of small numbers, one bit each, that grows as needed.

const BITS: usize = u64::BITS as usize;

/// A set of small numbers that knows how many it holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct BitSet {
    words: Vec<u64>,
    len: usize,
}

impl BitSet {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn contains(&self, index: usize) -> bool {
        self.words.get(index / BITS).is_some_and(|word| word & bit(index) != 0)
    }

    /// Adds the number; whether it was not there before.
    pub(crate) fn insert(&mut self, index: usize) -> bool {
        let at = index / BITS;
        if at >= self.words.len() {
            self.words.resize(at + 1, 0);
        }
        let new = self.words[at] & bit(index) == 0;
        self.words[at] |= bit(index);
        self.len += usize::from(new);
        new
    }

    /// Removes the number; whether it was there.
    pub(crate) fn remove(&mut self, index: usize) -> bool {
        let Some(word) = self.words.get_mut(index / BITS) else {
            return false;
        };
        let there = *word & bit(index) != 0;
        *word &= !bit(index);
        self.len -= usize::from(there);
        there
    }

    /// The smallest number from `first` on that is in this set and in `other`.
    pub(crate) fn next_common(&self, other: &Self, first: usize) -> Option<usize> {
        let skipped = first / BITS;
        let mut mask = u64::MAX << (first % BITS);
        let words = self.words.iter().zip(&other.words).enumerate();
        for (at, (mine, theirs)) in words.skip(skipped) {
            let common = mine & theirs & mask;
            if common != 0 {
                return Some(at * BITS + common.trailing_zeros() as usize);
            }
            mask = u64::MAX;
        }
        None
    }

    /// The numbers in ascending order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.words.iter().enumerate().flat_map(|(at, &word)| {
            // Each step takes the lowest bit away.
            std::iter::successors(Some(word), |rest| Some(rest & rest.wrapping_sub(1)))
                .take_while(|&rest| rest != 0)
                .map(move |rest| at * BITS + rest.trailing_zeros() as usize)
        })
    }
}

fn bit(index: usize) -> u64 {
    1 << (index % BITS)
}

#[cfg(test)]
mod tests {
    use super::BitSet;

    fn set(numbers: &[usize]) -> BitSet {
        let mut set = BitSet::default();
        for &number in numbers {
            set.insert(number);
        }
        set
    }

    #[track_caller]
    fn check(numbers: &[usize], ascending: &[usize]) {
        let set = set(numbers);
        assert_eq!(set.iter().collect::<Vec<_>>(), ascending);
        assert_eq!(set.len(), ascending.len());
        for number in 0..300 {
            assert_eq!(set.contains(number), ascending.contains(&number), "{number}");
        }
    }

    #[test]
    fn holds_what_was_inserted_in_ascending_order() {
        check(&[], &[]);
        check(&[0], &[0]);
        check(&[63, 64, 127, 128], &[63, 64, 127, 128]);
        check(&[200, 3, 200, 3, 0], &[0, 3, 200]);
        check(&(0..130).rev().collect::<Vec<_>>(), &(0..130).collect::<Vec<_>>());
    }

    #[test]
    fn insert_and_remove_say_whether_they_changed_anything() {
        let mut set = BitSet::default();
        assert!(!set.remove(70));
        assert!(set.insert(70));
        assert!(!set.insert(70));
        assert!(!set.remove(71));
        assert!(set.remove(70));
        assert!(!set.remove(70));
        assert_eq!(set.len(), 0);
    }

    #[track_caller]
    fn check_common(a: &[usize], b: &[usize], first: usize, expected: Option<usize>) {
        assert_eq!(set(a).next_common(&set(b), first), expected);
        assert_eq!(set(b).next_common(&set(a), first), expected);
    }

    #[test]
    fn next_common_starts_at_the_given_number() {
        check_common(&[], &[], 0, None);
        check_common(&[1, 5, 70], &[5, 70], 0, Some(5));
        check_common(&[1, 5, 70], &[5, 70], 5, Some(5));
        check_common(&[1, 5, 70], &[5, 70], 6, Some(70));
        check_common(&[1, 5, 70], &[5, 70], 63, Some(70));
        check_common(&[1, 5, 70], &[5, 70], 71, None);
        check_common(&[1, 5, 70], &[1, 5], 6, None);
        check_common(&[63, 64], &[63, 64], 64, Some(64));
        check_common(&[500], &[500], 10_000, None);
    }
}

//! Unites overlapping sets of photos.

/// Returns a number for each of `photos` photos: equal for photos that share a set, or that are
/// linked by a chain of sets. The number is the smallest index among them.
pub(crate) fn united<'a>(photos: usize, sets: impl IntoIterator<Item = &'a [usize]>) -> Vec<usize> {
    let mut above: Vec<usize> = (0..photos).collect();
    fn root(above: &mut [usize], mut photo: usize) -> usize {
        while above[photo] != photo {
            // Halve the path, so that the next search is short.
            above[photo] = above[above[photo]];
            photo = above[photo];
        }
        photo
    }
    for set in sets {
        for pair in set.windows(2) {
            let (a, b) = (root(&mut above, pair[0]), root(&mut above, pair[1]));
            above[a.max(b)] = a.min(b);
        }
    }
    (0..photos).map(|photo| root(&mut above, photo)).collect()
}

/// Returns the sets of photos with the same number, in the order of their first photos.
pub(crate) fn members(numbers: &[usize]) -> Vec<Vec<usize>> {
    let mut sets: Vec<Vec<usize>> = vec![Vec::new(); numbers.len()];
    for (photo, &number) in numbers.iter().enumerate() {
        sets[number].push(photo);
    }
    sets.retain(|set| !set.is_empty());
    sets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_that_overlap_are_one() {
        let sets: [&[usize]; 5] = [&[5, 2], &[2, 7, 3], &[8], &[6, 4], &[]];
        let numbers = united(9, sets);
        assert_eq!(numbers, [0, 1, 2, 2, 4, 2, 4, 2, 8]);
        assert_eq!(members(&numbers), [vec![0], vec![1], vec![2, 3, 5, 7], vec![4, 6], vec![8]]);
    }

    proptest::proptest! {
        #[test]
        fn photos_of_a_set_share_a_number_whatever_the_order_of_the_sets(
            pairs in proptest::collection::vec((0usize..40, 0usize..40), 0..40),
        ) {
            let sets: Vec<[usize; 2]> = pairs.iter().map(|&(a, b)| [a, b]).collect();
            let numbers = united(40, sets.iter().map(|set| &set[..]));
            proptest::prop_assert!(pairs.iter().all(|&(a, b)| numbers[a] == numbers[b]));
            proptest::prop_assert!((0..40).all(|photo| numbers[numbers[photo]] == numbers[photo]));
            let reversed = united(40, sets.iter().rev().map(|set| &set[..]));
            proptest::prop_assert_eq!(numbers, reversed);
        }
    }
}

//! The order of a sum: a binary tree.

/// Adds up blocks of values in a binary tree over their numbers: 0+1, 2+3, then pairs of those.
///
/// The order does not depend on who adds. If equal, power-of-two numbers of blocks lie in several
/// processes, the tree over the processes' sums has the bits of the tree over all blocks.
///
/// Blocks come one at a time. As in a binary counter, at most log2(blocks) + 1 of them live.
#[derive(Debug, Default)]
pub struct TreeSum {
    /// Finished subtrees, largest first, each with the number of blocks in it.
    subtrees: Vec<(usize, Vec<f32>)>,
}

impl TreeSum {
    /// Adds the next block.
    ///
    /// # Panics
    ///
    /// If it has another length than the blocks before.
    pub fn push(&mut self, block: Vec<f32>) {
        let mut subtree = (1, block);
        while let Some((blocks, mut left)) =
            self.subtrees.pop_if(|(blocks, _)| *blocks == subtree.0)
        {
            add(&mut left, &subtree.1);
            subtree = (2 * blocks, left);
        }
        if let Some((_, larger)) = self.subtrees.last() {
            assert_eq!(larger.len(), subtree.1.len(), "blocks of a sum have one length");
        }
        self.subtrees.push(subtree);
    }

    /// The sum; `None` without blocks. If the number of blocks is no power of two, subtrees are
    /// added from the right.
    pub fn finish(mut self) -> Option<Vec<f32>> {
        let (_, mut sum) = self.subtrees.pop()?;
        while let Some((_, mut left)) = self.subtrees.pop() {
            add(&mut left, &sum);
            sum = left;
        }
        Some(sum)
    }
}

/// Adds up `count` slices of equal length that lie one after the other, in the same tree. The first
/// slice becomes the sum, the others are overwritten. `count` is a power of two.
pub(crate) fn add_slices(values: &mut [f32], count: usize) {
    debug_assert!(count.is_power_of_two() && values.len().is_multiple_of(count));
    let length = values.len() / count;
    let mut step = 1;
    while step < count {
        for left in (0..count).step_by(2 * step) {
            let (head, tail) = values.split_at_mut((left + step) * length);
            add(&mut head[left * length..][..length], &tail[..length]);
        }
        step *= 2;
    }
}

fn add(left: &mut [f32], right: &[f32]) {
    assert_eq!(left.len(), right.len(), "blocks of a sum have one length");
    for (left, right) in left.iter_mut().zip(right) {
        *left += right;
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn tree_sum(blocks: &[Vec<f32>]) -> Vec<f32> {
        let mut sum = TreeSum::default();
        for block in blocks {
            sum.push(block.clone());
        }
        sum.finish().unwrap()
    }

    fn bits(values: &[f32]) -> Vec<u32> {
        values.iter().map(|value| value.to_bits()).collect()
    }

    /// The definition, halving from the top.
    fn by_halves(blocks: &[Vec<f32>]) -> Vec<f32> {
        if let [block] = blocks {
            return block.clone();
        }
        let (left, right) = blocks.split_at(blocks.len() / 2);
        by_halves(left).iter().zip(by_halves(right)).map(|(left, right)| left + right).collect()
    }

    /// Blocks of values whose sum depends on the order.
    fn blocks() -> impl Strategy<Value = Vec<Vec<f32>>> {
        let value = (-1.0f32..1.0, -12i32..12).prop_map(|(value, power)| value * 2f32.powi(power));
        (0u32..6, 0usize..9)
            .prop_flat_map(move |(power, length)| vec(vec(value.clone(), length), 1 << power))
    }

    proptest! {
        #[test]
        fn a_tree_over_ranks_of_trees_over_blocks_is_the_tree_over_all_blocks(
            blocks in blocks(),
            rank_power in 0u32..6,
        ) {
            let ranks = (1 << rank_power).min(blocks.len());
            let of_each: Vec<_> = blocks.chunks(blocks.len() / ranks).map(tree_sum).collect();
            let all = bits(&by_halves(&blocks));
            prop_assert_eq!(&bits(&tree_sum(&blocks)), &all);
            prop_assert_eq!(&bits(&tree_sum(&of_each)), &all);

            let mut side_by_side = of_each.concat();
            add_slices(&mut side_by_side, ranks);
            prop_assert_eq!(&bits(&side_by_side[..all.len()]), &all);
        }

        #[test]
        fn few_blocks_live_at_a_time(blocks in 1usize..200) {
            let mut sum = TreeSum::default();
            for pushed in 1..=blocks {
                sum.push(vec![1.0]);
                prop_assert_eq!(sum.subtrees.len(), pushed.count_ones() as usize);
            }
            prop_assert_eq!(sum.finish().unwrap(), vec![blocks as f32]);
        }
    }

    #[test]
    fn the_order_is_visible_in_the_bits() {
        let blocks = [vec![1.0f32], vec![1e8], vec![-1e8], vec![1.0]];
        assert_eq!(tree_sum(&blocks), [0.0]);
        assert_eq!(blocks.iter().fold(0.0, |sum, block| sum + block[0]), 1.0);
        assert_eq!(tree_sum(&blocks[..3]), [0.0]);
        assert!(TreeSum::default().finish().is_none());
    }

    #[test]
    #[should_panic(expected = "one length")]
    fn blocks_of_other_lengths_are_refused() {
        let mut sum = TreeSum::default();
        sum.push(vec![1.0; 3]);
        sum.push(vec![1.0; 4]);
    }
}

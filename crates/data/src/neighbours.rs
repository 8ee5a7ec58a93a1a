//! Finds photos that may be the same picture, without comparing every pair.
//!
//! Every tree of a forest halves the photos again and again, along a direction between two of them
//! (random projection trees: Dasgupta and Freund, 2008; Annoy). Photos that look alike are seldom
//! parted, and hardly ever by all trees. Trees are balanced for any photos, so the time grows with
//! n log n even for a hundred thousand pictures of one white board.

use rayon::prelude::*;

use crate::chance::Chance;
use crate::fingerprint::{SKETCH, Sketch, correlations, unmirrored};
use crate::structure::dot;

const TREES: u64 = 24;
/// Largest leaf. The photos of a leaf are all compared with each other.
const LEAF: usize = 24;
/// Neighbours kept per photo.
const KEPT: usize = 6;
/// Least correlation of neighbours.
const MIN_CORRELATION: f32 = 0.5;

/// Returns pairs of indices, the smaller first, sorted: for each picture, those that look most like
/// it, as they are or mirrored.
pub(crate) fn neighbours(sketches: &[&Sketch]) -> Vec<(usize, usize)> {
    let points: Vec<Sketch> = sketches.par_iter().map(|sketch| unmirrored(sketch)).collect();
    let mut nearest: Vec<Vec<(f32, u32)>> = vec![Vec::with_capacity(2 * KEPT); points.len()];
    for tree in 0..TREES {
        let mut order: Vec<u32> = (0..points.len() as u32).collect();
        let mut leaves = Vec::new();
        divide(&mut order, &points, [tree, 1], &mut leaves);
        let arch = pulp::Arch::new();
        let in_leaf = |leaf| arch.dispatch(|| in_leaf(leaf, sketches));
        let found: Vec<_> = leaves.into_par_iter().flat_map_iter(in_leaf).collect();
        for (photo, others) in found {
            let kept = &mut nearest[photo as usize];
            kept.extend(others);
            kept.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            kept.dedup_by_key(|&mut (_, other)| other);
            kept.truncate(KEPT);
        }
    }
    let mut pairs: Vec<(usize, usize)> = nearest
        .iter()
        .enumerate()
        .flat_map(|(a, others)| {
            others.iter().map(move |&(_, b)| (a.min(b as usize), a.max(b as usize)))
        })
        .collect();
    pairs.sort_unstable();
    pairs.dedup();
    pairs
}

/// Halves the photos until every part is a leaf. `place` is the tree and the node in it.
fn divide<'a>(
    photos: &'a mut [u32],
    points: &[Sketch],
    place: [u64; 2],
    leaves: &mut Vec<&'a [u32]>,
) {
    if photos.len() <= LEAF {
        leaves.push(photos);
        return;
    }
    let mut chance = Chance::new(0, "neighbours", &place);
    let mut any = || &points[photos[chance.below(photos.len() as u64) as usize] as usize];
    let (from, to) = (any(), any());
    let direction: [f32; SKETCH] = std::array::from_fn(|at| to[at] - from[at]);
    let along = |photo: u32| -> f32 { dot(&points[photo as usize], &direction) };
    let mut projected: Vec<(f32, u32)> =
        photos.par_iter().map(|&photo| (along(photo), photo)).collect();
    let middle = photos.len() / 2;
    projected.select_nth_unstable_by(middle, |a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    photos.iter_mut().zip(projected).for_each(|(photo, (_, of_order))| *photo = of_order);
    let (low, high) = photos.split_at_mut(middle);
    let [tree, node] = place;
    divide(low, points, [tree, 2 * node], leaves);
    divide(high, points, [tree, 2 * node + 1], leaves);
}

/// Returns, for every photo of a leaf, the others that look like it.
#[inline(always)]
fn in_leaf(leaf: &[u32], sketches: &[&Sketch]) -> Vec<(u32, Vec<(f32, u32)>)> {
    let alike = |a: u32, b: u32| {
        let [direct, mirrored] = correlations(sketches[a as usize], sketches[b as usize]);
        direct.max(mirrored)
    };
    leaf.iter()
        .map(|&photo| {
            let others = leaf.iter().filter(|&&other| other != photo);
            let found = others.map(|&other| (alike(photo, other), other));
            (photo, found.filter(|&(correlation, _)| correlation >= MIN_CORRELATION).collect())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fingerprint::EVEN;

    fn random(chance: &mut Chance, spread: f64) -> Sketch {
        std::array::from_fn(|_| chance.uniform(-spread, spread) as f32)
    }

    fn unit(sketch: Sketch) -> Sketch {
        let length = sketch.iter().map(|value| value * value).sum::<f32>().sqrt();
        sketch.map(|value| value / length)
    }

    #[test]
    fn copies_among_three_thousand_pictures_of_one_board_are_neighbours() {
        let mut chance = Chance::new(1, "test", &[]);
        let board = random(&mut chance, 1.0);
        let near = |of: &Sketch, by: f64, chance: &mut Chance| -> Sketch {
            let other = random(chance, by);
            unit(std::array::from_fn(|at| of[at] + other[at]))
        };
        let pictures: Vec<Sketch> = (0..3000).map(|_| near(&board, 0.5, &mut chance)).collect();
        let mut copies: Vec<Sketch> =
            pictures[..300].iter().map(|of| near(of, 0.02, &mut chance)).collect();
        // Every second one mirrored.
        for copy in copies.iter_mut().step_by(2) {
            copy[EVEN..].iter_mut().for_each(|value| *value = -*value);
        }
        let all: Vec<&Sketch> = pictures.iter().chain(&copies).collect();
        let pairs = neighbours(&all);
        let missed = (0..300).filter(|&at| pairs.binary_search(&(at, 3000 + at)).is_err()).count();
        assert!(missed <= 3, "{missed} of 300 missed");
        assert!(pairs.len() <= KEPT * all.len());
        assert_eq!(pairs, neighbours(&all));
    }

    #[test]
    fn pictures_of_one_colour_do_not_stop_the_search() {
        let plain = [0.0; SKETCH];
        assert_eq!(neighbours(&vec![&plain; 500]), []);
    }
}

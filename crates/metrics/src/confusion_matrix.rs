//! The confusion matrix, and the most confused classes.

/// Photos of one class that were predicted as another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConfusedPair {
    /// Their true class.
    pub true_class: usize,
    /// Their predicted class.
    pub predicted_class: usize,
    /// Number of photos.
    pub count: usize,
}

/// Counts pairs of `(true class, predicted class)`: rows are true classes, columns are predicted
/// classes.
///
/// # Panics
///
/// When a class is not below `classes`.
pub fn confusion_matrix(
    photos: impl IntoIterator<Item = (usize, usize)>,
    classes: usize,
) -> Vec<Vec<usize>> {
    let mut matrix = vec![vec![0; classes]; classes];
    for (true_class, predicted_class) in photos {
        matrix[true_class][predicted_class] += 1;
    }
    matrix
}

/// Returns the most frequent mistakes, at most `limit`. Among equal counts the lower true class
/// comes first, then the lower predicted class.
pub fn most_confused_pairs(matrix: &[Vec<usize>], limit: usize) -> Vec<ConfusedPair> {
    let mut pairs: Vec<ConfusedPair> = Vec::new();
    for (true_class, row) in matrix.iter().enumerate() {
        for (predicted_class, &count) in row.iter().enumerate() {
            if true_class != predicted_class && count > 0 {
                pairs.push(ConfusedPair { true_class, predicted_class, count });
            }
        }
    }
    // The sort is stable, so equal counts keep the order of the matrix.
    pairs.sort_by_key(|pair| std::cmp::Reverse(pair.count));
    pairs.truncate(limit);
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_true_classes_and_columns_predicted_ones() {
        let matrix = confusion_matrix([(0, 0), (0, 2), (2, 2), (0, 2)], 3);
        assert_eq!(matrix, [[1, 0, 2], [0, 0, 0], [0, 0, 1]]);
    }

    #[test]
    fn the_commonest_mistakes_come_first_and_right_answers_never() {
        let matrix = vec![vec![9, 1, 0], vec![2, 9, 1], vec![2, 0, 9]];
        let pairs: Vec<_> = most_confused_pairs(&matrix, 3)
            .iter()
            .map(|p| (p.true_class, p.predicted_class, p.count))
            .collect();
        assert_eq!(pairs, [(1, 0, 2), (2, 0, 2), (0, 1, 1)]);
        assert!(most_confused_pairs(&[vec![3, 0], vec![0, 3]], 10).is_empty());
    }
}

// Package gbdt fits and evaluates gradient-boosted trees that predict quantiles, or the mean: histogram-based, by pinball
// or squared loss. It depends on the standard library alone and knows nothing about what the columns mean.
//
// # Method
//
// Columns are cut into at most 255 bins of about equal numbers of rows, and missing values get a bin of their own. For
// each quantile q, trees are added one after the other (Friedman, Annals of Statistics 2001):
//
//  1. Every row's gradient of the loss is taken: -q times its weight where the target lies above the prediction, 1-q
//     times below.
//  2. A tree is grown best split first. A split's gain is G²/(W+λ) summed over its sides less the same for the whole,
//     where G sums gradients, W weights, and λ is Options.L2. Missing values go to the side that gains more.
//  3. Each leaf predicts the quantile of its rows' residuals, times the learning rate, since the gradient tells the
//     direction but not the distance.
//
// The mean is fitted by squared loss in the same way: a row's gradient is its residual, in shares of the largest, and a
// leaf predicts the mean of its residuals.
//
// Quantiles are fitted apart and sorted row by row when predicted, so they never cross.
//
// # Censored rows
//
// A censored target is a lower bound. The loss of a prediction above it is 0, so such a row asks for more until the
// prediction passes it and is silent then: it takes no part in gains and in the loss on a validation set. Leaves, where
// silence would pull the quantile down, use the product-limit estimate instead. No method can tell how far above its
// bounds a tail reaches: where the bounds are all there is, the largest is predicted.
//
// # Speed
//
// The gradient of the pinball loss takes two values, so a histogram sums integers: the weight in a bin, and the weight
// above the prediction, packed into one word. Sums are exact and do not depend on the order of addition, which is why
// the model is the same, to the bit, on any number of cores. (Another processor architecture may round elsewhere.) Of
// two sibling leaves only the smaller is summed, the other is what remains of their parent.
//
// Predicting, 64 rows go through the trees side by side, a row a bit: slice.go. A few rows, or trees deeper than 8, are
// walked: walk.go. Both add the same numbers in the same order.
//
// bench/gbdt compares speed and loss with other libraries.
package gbdt

// Command gbdt measures package models/gbdt beside xgboost and scikit-learn: the
// time to fit, the time to predict a row, and the loss on rows not seen.
//
// All read the same numbers and take turns. Time is processor time, of all
// threads; wall time is printed beside it and means something on a quiet machine
// alone. It needs Debian's python3-xgboost, python3-sklearn and python3-numpy.
package main

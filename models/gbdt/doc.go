// Package gbdt fits gradient-boosted trees.
package gbdt

// Package ballast tells how much weight keeps a boat upright.
package ballast

import "errors"

// ErrTooLight is returned for a hull that no ballast can help.
var ErrTooLight = errors.New("ballast: the hull weighs nothing")

// Needed returns the kilograms of ballast for a hull and the sail it carries, in square metres.
func Needed(hull, sail float64) (float64, error) {
	if hull <= 0 {
		return 0, ErrTooLight
	}
	needed := sail*25 - hull/10
	if needed < 0 {
		return 0, nil
	}
	return needed, nil
}

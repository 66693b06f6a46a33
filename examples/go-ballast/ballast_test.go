package ballast

import (
	"errors"
	"testing"
)

func TestNeeded(t *testing.T) {
	cases := map[string]struct{ hull, sail, want float64 }{
		"dinghy":  {hull: 100, sail: 6, want: 140},
		"cutter":  {hull: 4000, sail: 60, want: 1100},
		"lighter": {hull: 9000, sail: 10, want: 0},
	}
	for name, boat := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := Needed(boat.hull, boat.sail)
			if err != nil || got != boat.want {
				t.Errorf("Needed(%v, %v) = %v, %v; want %v", boat.hull, boat.sail, got, err, boat.want)
			}
		})
	}
}

func TestAHullThatWeighsNothingIsRefused(t *testing.T) {
	if _, err := Needed(0, 10); !errors.Is(err, ErrTooLight) {
		t.Errorf("got %v", err)
	}
}

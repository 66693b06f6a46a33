/** Metres of water over the sill at an hour of the tide, by the rule of twelfths; high water is at hour 6. */
export function depth(hour, range, low) {
  const twelfths = [0, 1, 3, 6, 9, 11, 12];
  const rising = hour <= 6 ? hour : 12 - hour;
  return low + (range * twelfths[rising]) / 12;
}

/** Whether a boat of that draught may leave, with a hand's breadth of water to spare. */
export function mayLeave(hour, range, low, draught) {
  return depth(hour, range, low) >= draught + 0.1;
}

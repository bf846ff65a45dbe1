// What the script adds to pages that work without it: an amount that follows the slider, progress
// that shows by itself, and a dialog in place of a page that asks "are you sure?".

const UNFINISHED = new Set(["queued", "running"]);
const POLL_MILLISECONDS = 2000;
const SLOWEST_POLL_MILLISECONDS = 30000;

/**
 * The monthly amount, in cents, that the server would charge: rounded up, with whole numbers only,
 * because a number of JavaScript loses cents beyond 2^53.
 */
function amountCents(tokens, centsPerMillion, percent) {
  const exact = tokens * centsPerMillion * percent;
  const unit = 1000000n * 100n;
  return (exact + unit - 1n) / unit;
}

function grouped(wholeNumber) {
  return String(wholeNumber).replace(/\B(?=(\d{3})+$)/g, ",");
}

function moneyCents(cents) {
  return `$${grouped(cents / 100n)}.${String(cents % 100n).padStart(2, "0")}`;
}

function followSlider(field) {
  const input = field.querySelector("input[type=range]");
  if (!input) return;
  const id = field.dataset.toSlider;
  const { toTokens, toCentsPerMillion } = field.dataset;
  const live = toTokens !== undefined && toCentsPerMillion !== undefined;
  const percents = document.querySelectorAll(`[data-to-percent-of="${id}"]`);
  const amounts = document.querySelectorAll(`[data-to-amount-of="${id}"]`);
  const hiddenCents = document.querySelectorAll(`[data-to-cents-of="${id}"]`);
  const stale = document.querySelectorAll(`[data-to-stale-of="${id}"]`);
  const stated = field.querySelector("[data-to-stated]");

  function show() {
    const percent = `${grouped(input.value)}\u00a0%`;
    const moved = input.value !== input.defaultValue;
    percents.forEach((each) => (each.textContent = percent));
    stale.forEach((each) => (each.hidden = moved));
    if (!live) {
      // Only the server knows this method's amount; the old one beside a new percent would mislead.
      if (stated) stated.hidden = moved;
      input.setAttribute("aria-valuetext", percent);
      return;
    }
    const cents = amountCents(
      BigInt(field.dataset.toTokens),
      BigInt(field.dataset.toCentsPerMillion),
      BigInt(input.value),
    );
    const amount = moneyCents(cents);
    amounts.forEach((each) => (each.textContent = amount));
    hiddenCents.forEach((each) => (each.value = String(cents)));
    input.setAttribute("aria-valuetext", `${percent}, ${amount} a month`);
  }

  input.addEventListener("input", show);
  // What else the form asks for may change the tokens, which only the server counts.
  input.form?.addEventListener("input", (event) => {
    if (stated && !field.contains(event.target)) stated.hidden = true;
  });
  // A browser that goes back restores the slider without telling anybody.
  if (input.value !== input.defaultValue) show();
}

function followProgress(place) {
  const bar = place.querySelector("progress");
  const words = place.querySelector("[data-to-poll-words]");
  if (!bar || !words) return;
  let pause = POLL_MILLISECONDS;

  async function ask() {
    if (document.hidden) {
      document.addEventListener("visibilitychange", ask, { once: true });
      return;
    }
    try {
      const answer = await fetch(place.dataset.toPoll, {
        credentials: "same-origin",
        headers: { Accept: "application/json" },
      });
      if (!answer.ok) throw new Error(`The server answered ${answer.status}.`);
      const told = await answer.json();
      const { toDone, toExpected, toOf, toWords } = place.dataset;
      const expected = told[toExpected];
      if (!UNFINISHED.has(told.status)) {
        window.location.reload();
        return;
      }
      pause = POLL_MILLISECONDS;
      if (expected) {
        const shown = Math.min(told[toDone], expected);
        bar.max = expected;
        bar.value = shown;
        words.textContent = `${grouped(shown)}${toOf}${grouped(expected)} ${toWords}`;
      }
    } catch {
      // The network comes back or the person leaves; meanwhile, ask less often.
      pause = Math.min(pause * 2, SLOWEST_POLL_MILLISECONDS);
    }
    window.setTimeout(ask, pause);
  }

  window.setTimeout(ask, pause);
}

function offerDialog(link) {
  const dialog = document.getElementById(link.dataset.toDialog);
  if (!dialog || typeof dialog.showModal !== "function") return;
  link.addEventListener("click", (event) => {
    // Somebody who wants the page in a new tab shall have it.
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    dialog.showModal();
  });
}

for (const root of document.querySelectorAll(".to-root")) {
  root.querySelectorAll("[data-to-slider]").forEach(followSlider);
  root.querySelectorAll("[data-to-poll]").forEach(followProgress);
  root.querySelectorAll("[data-to-dialog]").forEach(offerDialog);
  for (const each of root.querySelectorAll("[data-to-without-script]")) each.hidden = true;
}

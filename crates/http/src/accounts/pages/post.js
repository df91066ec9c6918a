const form = document.querySelector("form"), said = document.getElementById("said");
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const body = Object.fromEntries(new FormData(form));
  body[form.dataset.token] = new URLSearchParams(location.search).get("token") ?? "";
  try {
    const answer = await fetch(location.pathname, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    if (answer.ok) {
      form.hidden = true;
      said.textContent = said.dataset.done;
    } else {
      const problem = await answer.json();
      said.textContent = Object.values(problem.errors ?? {})[0] ?? problem.detail;
    }
  } catch {
    said.textContent = "The server could not be reached. Try again in a moment.";
  }
});

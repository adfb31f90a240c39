/** Copy text; false if the browser would not. */
export async function copyText(text: string): Promise<boolean> {
  // The Clipboard API exists on localhost and https only.
  if (window.isSecureContext) {
    try {
      await navigator.clipboard.writeText(text)
      return true
    } catch {
      return false
    }
  }
  const area = document.createElement('textarea')
  area.value = text
  area.setAttribute('aria-hidden', 'true')
  area.style.position = 'fixed'
  area.style.opacity = '0'
  document.body.append(area)
  area.select()
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- the only way outside of secure contexts
  const done = document.execCommand('copy')
  area.remove()
  return done
}

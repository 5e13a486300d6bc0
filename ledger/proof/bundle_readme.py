"""What stands in the README of an evidence bundle, in English and in French."""

_ENGLISH = """\
EVIDENCE: {name}

(version française plus bas)

This folder shows what a payment ledger (IPN Ledger) recorded. You can check it on a machine of your
own, without a network and without any program of whoever gave it to you.

HOW TO CHECK IT

    unzip {name}.zip -d evidence
    cd evidence
    sh check.sh 'VERIFIER-KEY'

You need sh, OpenSSL 3 and xxd, on Linux, macOS or Windows with WSL; nothing is installed or sent.
The script is short: read it first. It ends with 0 when everything is proven, and with 1 and lines
that begin with FAULT when something is not.

VERIFIER-KEY is the line by which the log is known. Take it from where you were given it earlier: a
contract, a letter, the page of the service. The file log.vkey in here holds the same line, but
whoever made up a whole bundle would have put a key of their own there. Without a key, the script
uses log.vkey and asks you to compare.

WHAT IS PROVEN

- Each file ID.entry is an entry of the log, unchanged since the checkpoint was signed: ID.proof
  leads from it to the root in checkpoint (RFC 9162, SHA-256; C2SP tlog-proof).
- Each event-N.state and event-N.details is what the ledger recorded: the entry names its SHA-256.
  The facts of a payment stand in them.
{shown_english}
- An entry of kind "note" is what a user of the ledger wrote about the payment, or withdrew. The
  platform has not said it; its text, if it may be shown, is in ID.body.
- If there is a timestamp.tsr: all of it existed at the time in it, as the authority in tsa.pem says
  (RFC 3161). Compare that certificate with the authority's own. Without a time stamp, the time is
  what the ledger itself says.
- left-out, if there is one, lists what the entries name and this folder does not hold, because it
  was erased, may not be shown, or is about another payment.

WHAT IS NOT PROVEN

- That the payment platform sent it. It signs its calls with a key that the merchant has too
  (symmetric), so a merchant could have made a call. An entry of kind "delivery" says which key had
  verified it (`key`, a fingerprint), and that this was so before the checkpoint.
- That nothing else exists about this payment. The log may hold entries that are not in this folder.
  The entries tell the version of each event in its stream: a gap in the versions is a gap.
- Pages (.html) are made from the same data for reading; nothing proves them. The file checksums
  finds damage to them, to this text and to the script, and no forgery.

TO CHECK IT OTHERWISE

checkpoint and ID.proof are in open formats (C2SP signed-note, tlog-checkpoint, tlog-proof@v1); Go's
golang.org/x/mod/sumdb (note, tlog) reads them. A leaf is SHA-256 of a zero byte and the entry.
"""

_SHOWN_ENGLISH = """\
- Each ID.body is the delivery as it came, and each event-N.apart what is personal of an event: the
  entry holds HMAC-SHA-256(salt, "body" or "apart", a zero byte, content), with the salt beside it
  in a file .salt. These files may be about people: treat them so."""

_LEFT_OUT_ENGLISH = """\
- Personal data are not in this folder. The entries hold commitments to them (HMAC-SHA-256 with
  secret salts), which tell nothing and can be opened later by whoever has data and salts."""

_FRENCH = """\
PREUVE : {name}

Ce dossier montre ce qu'un registre de paiements (IPN Ledger) a enregistré. Vous pouvez le vérifier
sur votre propre machine, sans réseau et sans aucun programme de celui qui vous l'a remis.

COMMENT LE VÉRIFIER

    unzip {name}.zip -d preuve
    cd preuve
    sh check.sh 'CLÉ-DE-VÉRIFICATION'

Il faut sh, OpenSSL 3 et xxd, sous Linux, macOS ou Windows avec WSL ; rien n'est installé ni envoyé.
Le script est court : lisez-le d'abord. Il finit par 0 quand tout est prouvé, et par 1, avec des
lignes qui commencent par FAULT, quand quelque chose ne l'est pas.

CLÉ-DE-VÉRIFICATION est la ligne par laquelle le journal est connu. Prenez-la là où on vous l'a
donnée auparavant : un contrat, une lettre, la page du service. Le fichier log.vkey contient la même
ligne ici, mais celui qui aurait inventé tout un dossier y aurait mis sa propre clé. Sans clé, le
script utilise log.vkey et vous demande de comparer.

CE QUI EST PROUVÉ

- Chaque fichier ID.entry est une entrée du journal, inchangée depuis la signature du checkpoint :
  ID.proof mène d'elle à la racine dans checkpoint (RFC 9162, SHA-256 ; C2SP tlog-proof).
- Chaque event-N.state et event-N.details est ce que le registre a enregistré : l'entrée en donne le
  SHA-256. Les faits d'un paiement s'y trouvent.
{shown_french}
- Une entrée de la sorte « note » est ce qu'un utilisateur du registre a écrit sur le paiement, ou
  retiré. La plateforme ne l'a pas dit ; son texte, s'il peut être montré, est dans ID.body.
- S'il y a un timestamp.tsr : tout cela existait à l'heure indiquée, selon l'autorité de tsa.pem
  (RFC 3161). Comparez ce certificat à celui de l'autorité. Sans lui, l'heure est celle que le
  registre donne lui-même.
- left-out, s'il existe, énumère ce que les entrées nomment et que ce dossier ne contient pas, parce
  que c'est effacé, ne peut être montré, ou concerne un autre paiement.

CE QUI N'EST PAS PROUVÉ

- Que la plateforme de paiement l'a envoyé. Elle signe ses appels avec une clé que le commerçant
  possède aussi (symétrique) : un commerçant aurait pu fabriquer un appel. Une entrée de la sorte
  « delivery » dit quelle clé l'avait vérifié (`key`, une empreinte), avant le checkpoint.
- Que rien d'autre n'existe sur ce paiement. Le journal peut contenir des entrées qui ne sont pas
  dans ce dossier. Les entrées disent la version de chaque événement dans sa suite : un trou dans
  les versions est un trou.
- Les pages (.html) sont faites des mêmes données, pour la lecture ; rien ne les prouve. Le fichier
  checksums révèle leur altération, celle de ce texte et du script, mais pas leur falsification.

POUR LE VÉRIFIER AUTREMENT

checkpoint et ID.proof sont dans des formats ouverts (C2SP signed-note, tlog-checkpoint,
tlog-proof@v1) ; golang.org/x/mod/sumdb (note, tlog) de Go les lit. Une feuille est le SHA-256 d'un
octet nul suivi de l'entrée.
"""

_SHOWN_FRENCH = """\
- Chaque ID.body est l'appel tel qu'il est arrivé, chaque event-N.apart ce qu'un événement a de
  personnel : l'entrée contient HMAC-SHA-256(sel, « body » ou « apart », un octet nul, contenu) ;
  le sel est à côté, dans un fichier .salt. Ces fichiers peuvent concerner des personnes :
  traitez-les en conséquence."""

_LEFT_OUT_FRENCH = """\
- Les données personnelles ne sont pas dans ce dossier. Les entrées contiennent des engagements
  (HMAC-SHA-256 avec des sels secrets), qui ne disent rien et que celui qui a les données et les
  sels pourra ouvrir plus tard."""


def readme(name: str, *, facts_only: bool) -> str:
    """Write the README of a bundle: what it proves, what it does not, and how to check it."""
    english = _ENGLISH.format(
        name=name, shown_english=_LEFT_OUT_ENGLISH if facts_only else _SHOWN_ENGLISH
    )
    french = _FRENCH.format(
        name=name, shown_french=_LEFT_OUT_FRENCH if facts_only else _SHOWN_FRENCH
    )
    return f"{english}\n{'-' * 100}\n\n{french}"
